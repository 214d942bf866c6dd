'use strict';

const { Pool } = require('pg');

const pool = new Pool({
  host: process.env.LEDGER_DB_HOST,
  user: process.env.LEDGER_DB_USER,
  password: process.env.LEDGER_DB_PASSWORD,
  database: 'ledger',
});

async function listBookings(req, res) {
  const found = await pool.query(
    'SELECT id, amount, booked_at FROM bookings WHERE account_id = $1',
    [req.params.accountId],
  );
  res.json(found.rows);
}

module.exports = { listBookings };

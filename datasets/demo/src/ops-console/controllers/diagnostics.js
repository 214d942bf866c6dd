'use strict';

const { exec } = require('child_process');

// Is a merchant's webhook host up, seen from inside?
function ping(req, res) {
  const host = req.query.host;
  exec('ping -c 1 -W 2 ' + host, (error, stdout) => {
    res.json({ host, reachable: !error, output: stdout });
  });
}

module.exports = { ping };

'use strict';

// The gateway has verified the token and passes its subject on.
function requireOwner(req, customerId) {
  if (req.headers['x-verified-subject'] !== customerId) {
    const error = new Error('not the owner of this record');
    error.status = 403;
    throw error;
  }
}

module.exports = { requireOwner };

'use strict';

const express = require('express');
const { listBookings } = require('./controllers/bookings');

const app = express();
app.get('/internal/v1/accounts/:accountId/bookings', listBookings);

app.listen(8080);

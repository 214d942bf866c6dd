'use strict';

const express = require('express');
const { ping } = require('./controllers/diagnostics');
const { listRestarts } = require('./controllers/restarts');

const app = express();
app.get('/api/v1/diagnostics/ping', ping);
app.get('/api/v1/restarts', listRestarts);

app.listen(8080);

'use strict';

const express = require('express');
const { renderReport } = require('./controllers/reports');

const app = express();
app.use(express.json({ limit: '200kb' }));
app.post('/api/reports/v1/reports', renderReport);
app.get('/healthz', (req, res) => res.json({ status: 'ok' }));

app.listen(8080);

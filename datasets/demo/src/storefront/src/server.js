'use strict';

const compression = require('compression');
const express = require('express');
const helmet = require('helmet');

const app = express();
app.use(helmet());
app.use(compression());
app.use(express.static('public', { maxAge: '1h', index: 'index.html' }));
app.get('/healthz', (req, res) => res.json({ status: 'ok' }));

app.listen(8080);

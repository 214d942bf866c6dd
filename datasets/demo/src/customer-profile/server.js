'use strict';

const express = require('express');
const { getCustomer } = require('./controllers/customers');
const { updateCustomer } = require('./controllers/changes');

const app = express();
app.use(express.json());
app.get('/api/customers/v1/customers/:customerId', getCustomer);
app.put('/api/customers/v1/customers/:customerId', updateCustomer);

app.listen(8080);

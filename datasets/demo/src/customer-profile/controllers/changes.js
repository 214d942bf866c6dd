'use strict';

const { DynamoDBClient, PutItemCommand } = require('@aws-sdk/client-dynamodb');
const { requireOwner } = require('./owner');

const dynamo = new DynamoDBClient({});

async function updateCustomer(req, res) {
  requireOwner(req, req.params.customerId);
  await dynamo.send(new PutItemCommand({
    TableName: process.env.CUSTOMERS_TABLE,
    Item: { id: { S: req.params.customerId }, name: { S: String(req.body.name) } },
  }));
  res.status(204).end();
}

module.exports = { updateCustomer };

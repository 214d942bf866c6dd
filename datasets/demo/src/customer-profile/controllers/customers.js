'use strict';

const { DynamoDBClient, GetItemCommand } = require('@aws-sdk/client-dynamodb');

const dynamo = new DynamoDBClient({});

// Anyone who knows a number gets the person behind it: nobody asks who is calling.
async function getCustomer(req, res) {
  const customerId = req.params.customerId;
  const found = await dynamo.send(new GetItemCommand({
    TableName: process.env.CUSTOMERS_TABLE,
    Key: { id: { S: customerId } },
  }));
  if (!found.Item) {
    res.status(404).json({ error: 'no such customer' });
    return;
  }
  res.json(found.Item);
}

module.exports = { getCustomer };

'use strict';

const k8s = require('@kubernetes/client-node');

async function listRestarts(req, res) {
  const config = new k8s.KubeConfig();
  config.loadFromCluster();
  const api = config.makeApiClient(k8s.CoreV1Api);
  const pods = await api.listNamespacedPod('payments');
  res.json(pods.body.items.map((pod) => ({
    name: pod.metadata.name,
    restarts: (pod.status.containerStatuses || []).reduce((sum, one) => sum + one.restartCount, 0),
  })));
}

module.exports = { listRestarts };

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constantLabels } from './constant-labels.ts';

const node = { machine_id: 'm', system_uuid: 'u' };
const machine = { machineId: 'm', systemUuid: 'u' };

test('az and region are on container and agent families only, and only together', () => {
  const labels = constantLabels({ ...machine, availabilityZone: 'a1', region: 'r' });
  assert.deepEqual(labels('container_net_tcp_active_connections'), { ...node, az: 'a1', region: 'r' });
  assert.deepEqual(labels('promhttp_metric_handler_errors_total'), { ...node, az: 'a1', region: 'r' });
  assert.deepEqual(labels('node_info'), node);
  assert.deepEqual(labels('node_agent_info'), node);
  assert.deepEqual(labels('up'), {});
  for (const place of [
    { availabilityZone: 'a1', region: '' },
    { availabilityZone: '', region: 'r' },
  ]) {
    assert.deepEqual(constantLabels({ ...machine, ...place })('container_net_tcp_active_connections'), node);
  }
});

test('while az and region are awaited families that carry them have no labels yet', () => {
  const labels = constantLabels({ ...machine, availabilityZone: '', region: '', isAwaited: true });
  for (const name of ['container_net_tcp_active_connections', 'promhttp_metric_handler_errors_total'])
    assert.equal(labels(name), undefined);
  for (const name of ['node_info', 'node_cloud_info', 'node_agent_info'])
    assert.deepEqual(labels(name), node);
});

test('the same object answers until the labels change', () => {
  const labels = constantLabels({ ...machine, availabilityZone: '', region: '' });
  assert.equal(labels('node_info'), labels('node_uptime_seconds'));
});

/** A random end of a generated name: Kubernetes has letters and digits of its own for it (k8s.io/apimachinery, util/rand). */
export const safe = '[bcdfghjklmnpqrstvwxz2456789]{5}';
const podId = /^\/k8s\/([a-z0-9-]+)\/([a-z0-9-]+)\/[^/]+$/;
const suffixes = [
  new RegExp(`^(.+)-[0-9a-f]{1,10}-${safe}$`), // Deployment: <name>-<template hash>-<random>
  new RegExp(`^(.+)-${safe}$`), // DaemonSet, Job: <name>-<random>
  /^(.+)-[0-9]+$/, // StatefulSet: <name>-<ordinal>
];

/** The workload of a Kubernetes container id (`/k8s/<namespace>/<workload>`), or `` when there is none. */
export function appIdOf(containerId: string): string {
  const [, namespace, pod] = podId.exec(containerId) ?? [];
  if (namespace === undefined || pod === undefined) return '';
  for (const suffix of suffixes) {
    const workload = suffix.exec(pod)?.[1];
    if (workload !== undefined) return `/k8s/${namespace}/${workload}`;
  }
  return '';
}

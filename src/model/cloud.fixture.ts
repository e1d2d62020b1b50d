import type { Cloud, CloudInstance } from './cloud.ts';

export const unknownInstance: CloudInstance = {
  provider: '',
  accountId: '',
  instanceId: '',
  instanceType: '',
  instanceLifeCycle: '',
  region: '',
  availabilityZone: '',
  availabilityZoneId: '',
  localIpv4: '',
  publicIpv4: '',
  hostName: '',
};

/** A cloud that says what the test tells it to say. */
export interface ToldCloud extends Cloud {
  /** Changes these fields, and answers. Done when who waits for the answer has it. */
  answer(fields?: Partial<CloudInstance>): Promise<void>;
}

export function toldCloud(fields: Partial<CloudInstance> = {}): ToldCloud {
  const { promise: answered, resolve } = Promise.withResolvers<void>();
  const listeners: (() => void)[] = [];
  const cloud = {
    instance: { ...unknownInstance, ...fields },
    answered,
    onChange: (listener: () => void) => void listeners.push(listener),
    close() {},
    async answer(told?: Partial<CloudInstance>) {
      if (told) cloud.instance = { ...cloud.instance, ...told };
      for (const listener of listeners) listener();
      resolve();
      await answered;
    },
  };
  return cloud;
}

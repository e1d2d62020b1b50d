import { unknownInstance, type Cloud, type CloudInstance } from './cloud.ts';

/** A cloud that says what the test tells it to say. */
export interface ToldCloud extends Cloud {
  /** Changes these fields, and answers. Done when who waits for the answer has it. */
  answer(fields?: Partial<CloudInstance>): Promise<void>;
}

export function toldCloud(fields: Partial<CloudInstance> = {}): ToldCloud {
  const { promise: answered, resolve } = Promise.withResolvers<void>();
  const cloud = {
    instance: { ...unknownInstance, ...fields },
    answered,
    close() {},
    async answer(told?: Partial<CloudInstance>) {
      if (told) cloud.instance = { ...cloud.instance, ...told };
      resolve();
      await answered;
    },
  };
  return cloud;
}

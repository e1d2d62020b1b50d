/** What is known of the machine in its cloud; '' where unknown. */
export interface CloudInstance {
  /** AWS, GCP, Azure, Hetzner, DigitalOcean, Alibaba, Scaleway, IBM or Oracle, or what `--provider` says. */
  readonly provider: string;
  readonly accountId: string;
  readonly instanceId: string;
  readonly instanceType: string;
  readonly instanceLifeCycle: string;
  readonly region: string;
  readonly availabilityZone: string;
  readonly availabilityZoneId: string;
  readonly localIpv4: string;
  readonly publicIpv4: string;
  readonly hostName: string;
}

/** Where the machine lives, by its cloud and by the options that override field by field. */
export interface Cloud {
  /** A new object with each change. */
  readonly instance: CloudInstance;
  /** Resolves with the first answer, or when it is certain that none will come (no cloud, --provider=none); never rejects. */
  readonly answered: Promise<void>;
  close(): void;
}

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

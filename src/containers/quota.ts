/** Cgroups of one user, all below the slice that systemd makes for him: he can make as many there as he likes. */
const maxOfUser = 4096;

/** Its number is root's word (systemd: logind, user@.service(5)). */
const userSlice = /^\/user\.slice\/user-(\d{1,10})\.slice(?:\/|$)/;

/** How many cgroups users have, so that none takes the places of all. */
export class UserQuota {
  readonly #users = new Map<number, string>();
  readonly #taken = new Map<string, number>();

  /** Whether this cgroup is one too many. */
  isFullFor(path: string): boolean {
    const user = userSlice.exec(path)?.[1];
    return user !== undefined && (this.#taken.get(user) ?? 0) >= maxOfUser;
  }

  take(cgroupId: number, path: string): void {
    const user = userSlice.exec(path)?.[1];
    if (user === undefined) return;
    this.#taken.set(user, (this.#taken.get(user) ?? 0) + 1);
    this.#users.set(cgroupId, user);
  }

  giveBack(cgroupId: number): void {
    const user = this.#users.get(cgroupId);
    if (user === undefined) return;
    this.#users.delete(cgroupId);
    const left = (this.#taken.get(user) ?? 0) - 1;
    if (left > 0) this.#taken.set(user, left);
    else this.#taken.delete(user);
  }
}

import type { CgroupDirectory, Container, ContainerList, ListedContainer } from '../model/containers.ts';
import { handOver } from '../model/successors.ts';
import { turns } from '../turns.ts';
import type { Reading } from './readings.ts';
import type { Use } from './tasks.ts';
import { emptyAccount, merge, renew, settle, use, type Account } from './totals.ts';

/** What was read of every container that is known. */
export interface Accounts {
  /** Brings them in line with the cgroups that containers have now, and with what their tasks have used. */
  renew(uses: readonly Use[]): Promise<readonly ListedContainer[]>;
  of(container: Container): Account;
}

export function accountsOf(
  containers: ContainerList & CgroupDirectory,
  fresh: (path: string, older: boolean) => Reading,
): Accounts {
  const accounts = new Map<Container, Account>();
  const of = (container: Container): Account => {
    const account = accounts.get(container) ?? emptyAccount();
    accounts.set(container, account);
    return account;
  };
  const exists = (cgroupId: number): boolean => containers.exists(cgroupId);
  const isRemembered = (cgroupId: number): boolean => containers.topOf(cgroupId) !== undefined;

  return {
    of,
    async renew(uses) {
      const turn = turns();
      const all = [...containers.all()];
      handOver(accounts, new Set(all), (successor, account) => merge(account, of(successor)));
      for (const container of all) {
        await turn();
        const older = !accounts.has(container) && container.wasThere;
        const account = of(container);
        renew(account, container.topCgroups, (path) => fresh(path, older), exists);
        settle(account, isRemembered);
      }
      for (const { container, topId, execNs } of uses) {
        await turn();
        const account = accounts.get(container.successor ?? container);
        if (account !== undefined) use(account, topId, execNs / 1e9, () => fresh('', false));
      }
      return all;
    },
  };
}

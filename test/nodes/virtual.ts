/** Why a test that changes the whole machine skips, or false: only in a virtual machine of vm.sh. */
export const onlyVirtual: string | false =
  process.env['NODE_VM'] === undefined && 'changes the machine: only in a virtual one';

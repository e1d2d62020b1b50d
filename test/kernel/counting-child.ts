/** Counts connects until it is killed; prints the ids of its programs and maps first. */
import { startCounting } from './machine.ts';

const program = await startCounting();
const { object, programs, maps } = program.figures();
const ids = {
  programs: programs.map((name) => object.programInfo(name).id),
  maps: maps.map((name) => object.mapInfo(name).id),
};
process.stdout.write(`${JSON.stringify(ids)}\n`);
setInterval(() => void program.read(), 50);

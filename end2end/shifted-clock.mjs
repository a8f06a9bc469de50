// Shifts `Date` in a Node program by CANDOR_TEST_CLOCK_OFFSET_MS: `node --import ./shifted-clock.mjs PROGRAM`.
const offset = Number(process.env.CANDOR_TEST_CLOCK_OFFSET_MS ?? 0);
const MachineDate = Date;

globalThis.Date = class extends MachineDate {
  constructor(...parts) {
    super(...(parts.length ? parts : [MachineDate.now() + offset]));
  }

  static now() {
    return MachineDate.now() + offset;
  }
};

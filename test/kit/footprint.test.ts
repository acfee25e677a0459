import { expect, test } from "bun:test"
import { readCleanRanges } from "../../src/kit/footprint.ts"

const mapping = (head: string, anonymous: number) =>
  `${head}\nSize:              104 kB\nRss:                80 kB\nAnonymous:        ${String(anonymous).padStart(4)} kB\nVmFlags: rd ex mr mw me\n`

test("only mappings of files that nobody can write and nobody changed are given back", () => {
  const smaps = [
    mapping("00200000-01a38000 r--p 00000000 fe:00 2171414    /opt/sluice", 0),
    mapping("01a40000-06836000 r-xp 01838000 fe:00 2171414    /opt/sluice (deleted)", 0),
    mapping("06836000-06852000 r--p 0662d000 fe:00 2171414    /opt/sluice", 112),
    mapping("06852000-0736d000 rw-p 06649000 fe:00 2171414    /opt/sluice", 0),
    mapping("30125400000-30165400000 rw-p 00000000 00:00 0 ", 20708),
    mapping("7f0000000000-7f0000001000 r--s 00000000 fe:00 77    /data/sluice.db-shm", 0),
    mapping("7f126645f000-7f12a645f000 r-xp 00000000 00:00 0 ", 0),
    mapping("7ffd3c5f1000-7ffd3c5f3000 r-xp 00000000 00:00 0    [vdso]", 0),
  ].join("")
  expect(readCleanRanges(smaps)).toEqual([
    { address: 0x00200000, length: 0x1838000 },
    { address: 0x01a40000, length: 0x4df6000 },
  ])
})

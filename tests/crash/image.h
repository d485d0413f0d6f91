// One disk after a crash, and whether it holds what it must.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <daybook/options.h>

#include "crash/history.h"
#include "log/recovery.h"
#include "support/rng.h"
#include "support/sim_disk.h"

namespace daybook::test {

struct Expected {
  const History* history = nullptr;
  std::size_t least = 0;  // events
  std::size_t most = 0;
};

struct Verdict {
  std::size_t events = 0;                // that survived
  std::optional<std::string> violation;  // nothing = all is well
};

// Recovers the disk as opening for writing does, and compares every frame with the history: a prefix of it, whole
// frames, no fewer events than promised. (I1, I2, I3; an error is a false alarm.)
Verdict recover_and_compare(const SimDisk& disk, const Expected& expected);
// The same for Scope::tail, which visits the end only: everything else is read afterwards, and verified. Then it must
// have come to the same as Scope::whole, file by file.
Verdict recover_tail_and_compare(const SimDisk& disk, const Expected& expected);

// The same through the whole store: cursors in both directions, heads, a further append, a clean close, and the
// verifier's opinion of every file.
Verdict open_and_compare(const SimDisk& disk, const Expected& expected, const OpenOptions& options);

// Recovery is cut off before each of its calls, and its own crash image recovered: the same events must come out. (I5)
// Adds the number of images to `images`.
Verdict crash_while_recovering(const SimDisk& disk, const Expected& expected, Rng& rng, std::uint64_t& images);

// Writes the files of a disk below `directory`.
void dump(const SimDisk& disk, const std::string& directory);

}  // namespace daybook::test

// Taking away snapshots that nobody needs, and the files that hold little else.
#pragma once

#include <cstdint>
#include <functional>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <daybook/error.h>
#include <daybook/snapshot.h>

#include "store/snapshot_folder.h"
#include "store/snapshot_index.h"

namespace daybook {

// One pruning. The caller sees to it that nobody else writes to folder and index; readers may go on under `mutex`, which
// is taken for every change of either.
//
//   1 choose what is kept: of each key the newest good ones, each once
//   2 of files of which less than half is kept, and of small ones: copy what is kept to a new file, which is then synced, and
//     its name as well
//   3 remove those files; mark what is not kept in the other ones
//   4 forget what is gone by that: what could not be removed is still known, so that it can be later
//
// A crash before 3 leaves snapshots twice, which is harmless: the next pruning keeps one of each. A reader has the removed
// files mapped, and in another process follows the end of the last one to the new.
class SnapshotPruner {
 public:
  using Judge = std::function<Result<SnapshotCondition>(const Generation&)>;

  SnapshotPruner(SnapshotFolder& folder, SnapshotIndex& index, std::shared_mutex& mutex, Judge judge)
      : folder_(folder), index_(index), mutex_(mutex), judge_(std::move(judge)) {}

  Result<void> run(std::uint32_t keep);

 private:
  struct Fate {
    std::uint64_t kept = 0;  // bytes
    bool rewrite = false;
    bool gone = false;
  };

  Result<void> choose(std::uint32_t keep);
  Result<SnapshotIndex::Generations> newest_good(const SnapshotIndex::Generations& all, std::uint32_t keep) const;
  // Whether there is anything to do.
  bool choose_files();
  Result<void> copy_kept();
  Result<Generation> copy(std::string_view key, const Generation& from);
  Result<void> sync_copies(std::uint64_t first_number);
  void remove_files();
  // What is to be known of the key from now on: what is kept, and what could not be taken away.
  SnapshotIndex::Generations take_away_rest(std::string_view key, const SnapshotIndex::Generations& kept);

  SnapshotFolder& folder_;
  SnapshotIndex& index_;
  std::shared_mutex& mutex_;
  const Judge judge_;

  std::vector<std::pair<std::string, SnapshotIndex::Generations>> kept_;
  std::unordered_map<const SnapshotFile*, Fate> fates_;
  bool drops_any_ = false;
};

}  // namespace daybook

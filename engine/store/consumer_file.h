// The files of a consumer in <store>/consumers:
//
//   <name>~lock               held by whoever uses the name
//   <name>~<number>.journal   the journal; the highest number counts
//   <name>~new                a journal that is being made
//
// A journal that has grown, or has a torn tail, is written anew under the next number, synced, and then the old one is
// removed. There is no moment without a whole one: the seam's rename does not replace, and removing first, as for files
// that are made from the log, would lose a position when power fails in between.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/consumer.h>
#include <daybook/error.h>

#include "io/directory.h"
#include "store/consumer_journal.h"

namespace daybook::consumers {

inline constexpr std::string_view kConsumersName = "consumers";

// What journals say when something was done: the coarse clock, a few milliseconds behind.
Timestamp now() noexcept;

// invalid_argument: not a name of a consumer.
Result<void> check_name(std::string_view name);

// The names that have a journal, sorted. None: there is no folder.
Result<std::vector<std::string>> list_names(io::Directory& store);

// What is saved under a name, without its lock: not_found when there is nothing.
Result<ConsumerState> read_state(io::Directory& store, std::string_view name);

// Thread safety: none.
// Crash safety: what a call has written survives the death of the process, and once synced a power cut. A crash at any
// step leaves the state before or after a call, or after a power cut an earlier one of those not synced.
class ConsumerFile {
 public:
  static constexpr std::uint64_t kGrowthMax = 1u << 20;  // some 26,000 positions

  // Takes the lock of the name, and reads what is there. Makes the folder when it is missing.
  // A journal is written anew when `growth_max` bytes were appended to it.
  static Result<std::unique_ptr<ConsumerFile>> open(io::Directory& store, std::string_view name,
                                                    std::uint64_t growth_max = kGrowthMax);

  // False: the name is new; begin() comes first.
  [[nodiscard]] bool exists() const noexcept { return file_ != nullptr; }
  [[nodiscard]] const ConsumerState& state() const noexcept { return state_; }

  Result<void> begin(ConsumerState state);

  enum class Sync : std::uint8_t { no, yes };
  Result<void> save(const ResumeToken& at, Sync sync);
  Result<void> reset(const ResumeToken& at);   // synced
  Result<void> set_query(const Query& query);  // synced
  Result<void> park(const ParkedEvent& event, Sync sync);
  Result<void> unpark(Position position, Sync sync);

 private:
  ConsumerFile(std::unique_ptr<io::Directory> folder, std::unique_ptr<io::Lock> lock, std::string name,
               std::uint64_t growth_max);

  Result<void> load();
  Result<void> write_anew(ConsumerState state);
  Result<void> append(const JournalWriter& records, Sync sync);
  [[nodiscard]] JournalWriter writer() const { return JournalWriter(check_); }

  const std::unique_ptr<io::Directory> folder_;
  const std::unique_ptr<io::Lock> lock_;
  const std::string name_;
  const std::uint64_t growth_max_;
  const std::uint32_t fork_generation_;

  std::unique_ptr<io::File> file_;
  std::uint64_t number_ = 0;  // of file_, or of the last one that was there
  ConsumerState state_;
  std::uint64_t base_size_ = 0;
  std::uint64_t end_ = 0;
  std::uint64_t check_ = 0;
  bool sync_failed_ = false;  // then nothing is known of what the disk has: only opening it again helps
};

}  // namespace daybook::consumers

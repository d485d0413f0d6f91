// Whether a damaged store tells the truth.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "sweep/memory_directory.h"
#include "sweep/sample_store.h"

namespace daybook::test {

struct Tally {
  std::uint64_t images = 0;
  std::uint64_t refused = 0;             // opening for writing says what is wrong
  std::uint64_t cut = 0;                 // a tail that was never durable, and the report says so
  std::uint64_t flagged = 0;             // every event is there; verify, or the report, says what is wrong
  std::uint64_t healed = 0;              // recovery makes the same files of it as of the undamaged ones, byte for byte
  std::uint64_t harmless = 0;            // damage that leaves the files as they were (two sectors of zeros, swapped)
  std::uint64_t undetected = 0;          // every event is there, and nobody says anything
  std::uint64_t read = 0;                // of them, also opened read-only and read from end to end
  std::uint64_t tails = 0;               // of them, also opened by reading the tail, and not refused; then read
  std::optional<std::string> violation;  // the first: a wrong event, an event lost in silence, or damage undetected

  void add(const Tally& other);
};

// Thread safety: none; one for each thread.
class Judge {
 public:
  explicit Judge(const Sample& sample);

  using Damage = std::function<void(MemoryStore&)>;
  // Does `damage` to the sample's files, by MemoryStore::touch, looks at what opening makes of them, and puts them back. `what` names the damage.
  // `read`: opens the damaged store read-only, too, and reads it. Always: opens it as the writer does, who reads only
  // what a crash can have touched, and then reads everything with `verify`.
  void judge(const Damage& damage, bool read, const std::function<std::string()>& what);

  [[nodiscard]] const Tally& tally() const { return tally_; }

 private:
  void restore();
  [[nodiscard]] bool changed() const;
  [[nodiscard]] std::size_t first_of_last_segment() const;
  bool open_for_writing(std::string& complaint, std::size_t& events, bool& reported);
  void open_tail(const std::function<std::string()>& what);
  void read_all(const std::function<std::string()>& what, bool reported);
  bool verifier_complains();
  void fail_with(const std::string& text);

  const Sample& sample_;
  MemoryStore store_;
  MemoryFiles recovered_;  // what recovery makes of the undamaged sample
  Tally tally_;
};

}  // namespace daybook::test

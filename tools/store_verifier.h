// Checks every byte of a store, in each segment by itself and across segments.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include <daybook/error.h>
#include <daybook/types.h>

#include "segment/segment_verifier.h"
#include "store_files.h"

namespace daybook::tools {

// One thing that is not as it should be.
struct StoreFinding {
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;
  std::string what;
  std::uint64_t expected = 0;
  std::uint64_t actual = 0;
  Position position = 0;    // the first event that may be affected; 0 = none, or not known
  bool repairable = false;  // no event is affected
};

struct StoreVerification {
  std::vector<StoreFinding> findings;
  std::uint64_t segments = 0;
  std::uint64_t frames = 0;
  std::uint64_t events = 0;
  std::uint64_t streams = 0;
  std::uint64_t bytes = 0;  // of files read
  Position last_position = 0;
  // Behind the end of the log: what a writer is appending, or what a crash left and the next writer will cut.
  std::uint64_t tail_bytes = 0;
  std::uint64_t tail_frames = 0;
};

// Thread safety: none. Memory: one segment, and the name of every stream.
class StoreVerifier {
 public:
  using Progress = std::function<void(std::uint64_t segments)>;

  StoreVerifier(StoreFiles& files, Progress progress) : files_(files), progress_(std::move(progress)) {}

  // An error: it cannot be read, or was written by a newer version. Damage is no error but a finding.
  // On a store that is being written, what moves while it is looked at is looked at again.
  Result<StoreVerification> run();

 private:
  // What the segments so far say about the next one.
  struct State {
    StoreVerification result;
    std::unordered_map<std::string, Version> versions;
    std::optional<Position> position = 0;  // of the last event; nothing = events are missing
    std::uint64_t next_number = 0;
    std::optional<Uuid> log;
    std::uint64_t size = 0;
    std::uint64_t epoch = 0;
    std::int64_t recorded_at = 0;
    format::Address end{};
    format::Address floor{};
    std::uint64_t first_open = 0;  // the first segment without a footer; 0 = none
    bool ended = false;            // the log ended in the middle of a segment: what follows is behind its end
    bool closed = false;           // the log was closed in a segment: nothing may follow
  };

  Result<State> run_once();
  Result<void> verify(std::uint64_t number, State& state);
  void check_header(const format::SegmentHeader& header, State& state);
  void check_versions(const segment::Segment& segment, std::uint64_t end, State& state);
  static void take_tail(const segment::Segment& segment, State& state);
  void take(const segment::Segment& segment, const segment::Verification& verified, State& state);
  void check_promise(State& state);

  StoreFiles& files_;
  const Progress progress_;
};

}  // namespace daybook::tools

#include "store_verifier.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "format/frame.h"
#include "log/live_page.h"
#include "segment/segment.h"

namespace daybook::tools {
namespace {

using segment::Segment;
using segment::Verification;

// A writer may have appended between two looks. What is still there after the last look is not its doing.
constexpr int kLooks = 3;

StoreFinding finding_of(const Error& error, Position position) {
  return {error.segment, error.offset, error.what, error.expected, error.actual, position, false};
}

}  // namespace

Result<StoreVerification> StoreVerifier::run() {
  for (int look = 1;; ++look) {
    auto state = run_once();
    if (!state) return fail(state.error());
    const StoreVerification& result = state->result;
    const bool moving =
        state->first_open != 0 && std::ranges::any_of(result.findings, [&](const StoreFinding& finding) {
          return finding.segment >= state->first_open;
        });
    if (!moving || look == kLooks) return std::move(state->result);
  }
}

Result<StoreVerifier::State> StoreVerifier::run_once() {
  State state;
  // Before the segments are looked at: it grows, and they must have what it says.
  const auto live = log::LivePage::open_reader(*files_.store);
  const auto first = Segment::open(*files_.segments, files_.numbers.front());
  if (live && first) state.floor = live->durable((*first)->header().log).value_or(format::Address{});

  for (const std::uint64_t number : files_.numbers) {
    DAYBOOK_TRY(verify(number, state));
    progress_(++state.result.segments);
  }
  check_promise(state);
  state.result.streams = state.versions.size();
  return state;
}

Result<void> StoreVerifier::verify(std::uint64_t number, State& state) {
  if (state.next_number != 0 && number != state.next_number) {
    state.result.findings.push_back({state.next_number, 0, "segment missing", state.next_number, number,
                                     state.position ? *state.position + 1 : 0, false});
    state.position.reset();
  }
  state.next_number = number + 1;

  // Copied, not mapped: a bad block of the disk is an error of the call then, and no signal.
  const auto segment = Segment::open(*files_.segments, number, Segment::Load::copy);
  if (!segment) {
    if (segment.error().code == Errc::not_found) return {};  // prepared, and gone since: the store was closed
    if (segment.error().code != Errc::corrupt) return fail(segment.error());
    state.result.findings.push_back(finding_of(segment.error(), state.position ? *state.position + 1 : 0));
    state.position.reset();
    return {};
  }
  check_header((*segment)->header(), state);
  if (state.ended || state.closed) {
    take_tail(**segment, state);
    return {};
  }
  take(**segment, segment::verify_segment(**segment, state.position), state);
  return {};
}

void StoreVerifier::check_header(const format::SegmentHeader& header, State& state) {
  const auto add = [&](const char* what, std::uint64_t expected, std::uint64_t actual) {
    state.result.findings.push_back({header.number, 0, what, expected, actual, 0, false});
  };
  if (state.log && header.log != *state.log) add("segment of another log", 0, 0);
  if (state.size != 0 && header.size != state.size) add("segment size", state.size, header.size);
  if (header.epoch < state.epoch) add("epoch", state.epoch, header.epoch);
  state.log = header.log;
  state.size = header.size;
  state.epoch = header.epoch;
}

// A segment behind the end of the log. The disk may have written it before the end of an earlier one: that is a torn
// tail. Behind a clean close there is nothing that could be torn.
void StoreVerifier::take_tail(const Segment& segment, State& state) {
  const segment::Beyond beyond = segment::scan_beyond(segment, format::kDataStart);
  if (state.closed && beyond.bytes != 0) {
    state.result.findings.push_back(
        {segment.number(), format::kDataStart, "bytes behind a closed segment", 0, beyond.bytes, 0, false});
  }
  state.result.bytes += segment.bytes().size();
  state.result.tail_bytes += beyond.bytes;
  state.result.tail_frames += beyond.frames;
  state.floor = std::max(state.floor, beyond.floor);
}

void StoreVerifier::take(const Segment& segment, const Verification& verified, State& state) {
  StoreVerification& result = state.result;
  const segment::Prefix& prefix = verified.prefix;
  const std::uint64_t number = segment.number();
  const Position next = state.position ? *state.position + prefix.events + 1 : 0;
  bool lost = false;
  for (const segment::Finding& finding : verified.findings) {
    lost = lost || !finding.repairable;
    result.findings.push_back({number, finding.offset, finding.what, finding.expected, finding.actual,
                               finding.repairable ? 0 : next, finding.repairable});
  }
  if (prefix.frames > 0 && prefix.recorded_first < state.recorded_at) {
    result.findings.push_back({number, format::kDataStart, "recorded-at time",
                               static_cast<std::uint64_t>(state.recorded_at),
                               static_cast<std::uint64_t>(prefix.recorded_first), next, false});
  }
  if (prefix.frames > 0) state.recorded_at = std::max(state.recorded_at, prefix.recorded_last);
  if (state.position) check_versions(segment, prefix.end, state);

  result.frames += prefix.frames;
  result.events += prefix.events;
  result.bytes += segment.bytes().size();
  result.tail_bytes += verified.tail.bytes;
  result.tail_frames += verified.tail.frames;
  state.floor = std::max(state.floor, verified.floor);
  state.end = {static_cast<std::uint32_t>(number), static_cast<std::uint32_t>(prefix.end)};
  if (verified.ending == Verification::Ending::open) {
    if (state.first_open == 0) state.first_open = number;
    state.ended = !prefix.complete;
  }
  state.closed = verified.ending == Verification::Ending::closed;
  if (state.position) result.last_position = *state.position += prefix.events;
  if (lost) state.position.reset();
}

// Versions are a matter of the whole log: each frame goes on where the stream's last one ended.
void StoreVerifier::check_versions(const Segment& segment, std::uint64_t end, State& state) {
  const std::byte* const data = segment.data().data();
  for (std::uint64_t offset = format::kDataStart; offset < end;) {
    const format::Word word = format::load_word(data + offset);
    if (word.has_events() && word.state() == format::FrameState::published) {
      auto& frame = *reinterpret_cast<format::FrameHeader*>(const_cast<std::byte*>(data + offset));
      const format::StreamEntry* entries = format::stream_entries(frame, word.stream_count());
      for (std::uint32_t i = 0; i < word.stream_count(); ++i) {
        Version& version = state.versions[std::string(format::stream_id(frame, entries[i]))];
        const Version assigned = format::load_decided(format::assigned_at(frame, i));
        if (assigned != version + 1) {
          state.result.findings.push_back({segment.number(), offset, "version of a stream", version + 1, assigned,
                                           format::load_decided(frame.position), false});
        }
        version = assigned + entries[i].event_count - 1;
      }
    }
    offset += word.size();
  }
}

// Something says that more was durable than there is.
void StoreVerifier::check_promise(State& state) {
  if (state.floor <= state.end || !state.position) return;
  const bool known = std::ranges::any_of(state.result.findings, [&](const StoreFinding& finding) {
    return finding.segment == state.floor.segment && !finding.repairable;
  });
  if (known) return;
  state.result.findings.push_back({state.floor.segment, state.end.segment == state.floor.segment ? state.end.offset : 0,
                                   "durable log ends early", state.floor.offset,
                                   state.end.segment == state.floor.segment ? state.end.offset : 0, *state.position + 1,
                                   false});
}

}  // namespace daybook::tools

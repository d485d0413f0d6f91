#include "log/condition_check.h"

#include <array>
#include <cstring>

#include "format/condition.h"
#include "log/query_match.h"

namespace daybook::log {
namespace {

// The ids of a frame's own events. Most ids of a log are no other's: a filter says so without a walk over the frame, which
// for two large appends against each other would take the product of their sizes.
class OwnIds {
 public:
  OwnIds(const format::FrameHeader& frame, format::Word word) noexcept : frame_(frame), word_(word) {
    for_each([this](std::uint32_t, const EventId& id) {
      const std::uint64_t bit = bit_of(id);
      filter_[bit / 64] |= std::uint64_t{1} << bit % 64;
      return false;
    });
  }

  // Which event of the frame has it.
  [[nodiscard]] std::optional<std::uint32_t> find(const EventId& wanted) const noexcept {
    const std::uint64_t bit = bit_of(wanted);
    if ((filter_[bit / 64] >> bit % 64 & 1) == 0) return std::nullopt;
    std::optional<std::uint32_t> found;
    for_each([&](std::uint32_t index, const EventId& id) {
      if (id == wanted) found = index;
      return found.has_value();
    });
    return found;
  }

 private:
  static constexpr std::uint64_t kBits = 1u << 14;

  static std::uint64_t bit_of(const EventId& id) noexcept {
    std::array<std::uint64_t, 2> words;
    std::memcpy(words.data(), id.data(), sizeof(words));
    return ((words[0] ^ words[1]) * 0x9e3779b97f4a7c15u >> 32) % kBits;
  }

  // Until visit(index, id) returns true.
  template <typename Visit>
  void for_each(Visit visit) const noexcept {
    FrameReader reader(frame_, word_);
    EventView event;
    for (std::uint32_t index = 0; reader.next(event); ++index) {
      if (event.id != nullptr && visit(index, *event.id)) return;
    }
  }

  const format::FrameHeader& frame_;
  const format::Word word_;
  std::array<std::uint64_t, kBits / 64> filter_{};
};

std::optional<format::Refusal> used_id(const OwnIds& own, const EventView& event) noexcept {
  if (event.id == nullptr) return std::nullopt;
  const auto index = own.find(*event.id);
  if (!index) return std::nullopt;
  return format::Refusal{format::Refusal::Reason::id, *index, event.position};
}

std::optional<format::Refusal> violated(const format::StoredBlock& block, const EventView& event) noexcept {
  std::optional<format::Refusal> found;
  block.any([&](std::uint32_t index, const format::StoredCondition& condition) {
    if (violates(condition, event)) found = {format::Refusal::Reason::condition, index, event.position};
    return found.has_value();
  });
  return found;
}

enum class Look : std::uint8_t { all, ids };

std::optional<format::Refusal> look(const segment::ActiveSegment& segment, std::uint64_t offset, Look what) noexcept {
  const format::FrameHeader& frame = format::frame_at(segment.bytes(), offset);
  const format::Word word = format::load_word(segment.bytes() + offset);
  const format::StoredBlock block(segment.bytes() + offset, word.size());
  std::optional<OwnIds> own;  // made when there is something to compare
  std::optional<format::Refusal> found;
  visit_decided(segment, offset, block.looked(), [&](const EventView& event) {
    if (block.unique_ids() && event.id != nullptr) {
      if (!own) own.emplace(frame, word);
      found = used_id(*own, event);
    }
    if (!found && what == Look::all) found = violated(block, event);
    return found.has_value();
  });
  return found;
}

}  // namespace

std::optional<format::Refusal> find_refusal(const segment::ActiveSegment& segment, std::uint64_t offset) noexcept {
  return look(segment, offset, Look::all);
}

std::optional<format::Refusal> find_used_id(const segment::ActiveSegment& segment, std::uint64_t offset) noexcept {
  return look(segment, offset, Look::ids);
}

}  // namespace daybook::log

// Makes the bytes of a segment file by hand, with identities and times that are the same in every run: what tests of
// reading, checking and recovery put in front of the engine without its writer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <daybook/store.h>
#include <daybook/types.h>

#include "format/frame.h"
#include "format/layout.h"

namespace daybook::test {

// The identity that all built segments share, unless told otherwise: 00 01 02 .. 0f.
Uuid fixed_uuid(std::uint8_t first);

class SegmentBuilder {
 public:
  struct Spec {
    std::uint64_t number = 1;
    Uuid log = fixed_uuid(0x00);
    Uuid segment = fixed_uuid(0x80);
    std::uint64_t epoch = 1;
    std::uint64_t size = format::kSegmentSizeMin;
    Position base = 0;
    std::int64_t created_at = 1'700'000'000'000'000'000;
  };

  SegmentBuilder() : SegmentBuilder(Spec{}) {}
  explicit SegmentBuilder(const Spec& spec);

  // Each returns the offset of the frame. Versions go on from what was published here before; the time of the n-th frame
  // is created_at + n seconds.
  std::uint64_t publish(std::span<const StreamAppend> streams);
  std::uint64_t publish(std::string_view stream, std::span<const NewEvent> events);
  std::uint64_t reject(std::span<const StreamAppend> streams, std::uint32_t refused, Version actual);
  std::uint64_t fill(std::span<const StreamAppend> streams);  // not decided

  // Conditional frames from here on, or no more.
  void set_block(const format::ConditionBlock* block) { block_ = block; }

  void set_floor(format::Address floor) { floor_ = floor; }
  void describe_base();
  void pad();  // to the end of the data
  void close() { write_footer(format::SegmentFooter::closed); }
  void seal();  // pads, too

  [[nodiscard]] const format::SegmentHeader& header() const noexcept { return header_; }
  [[nodiscard]] std::uint64_t salt() const noexcept { return salt_; }
  [[nodiscard]] std::uint64_t end() const noexcept { return end_; }
  [[nodiscard]] std::uint64_t frames_end() const noexcept { return frames_end_; }
  [[nodiscard]] Position position() const noexcept { return spec_.base + events_; }
  [[nodiscard]] std::vector<std::byte>& bytes() noexcept { return bytes_; }

 private:
  void write_footer(format::SegmentFooter::Kind kind);
  void decide(std::uint64_t offset, format::Word word, std::uint64_t position, std::int64_t recorded_at);

  const Spec spec_;
  format::SegmentHeader header_{};
  std::uint64_t salt_ = 0;
  std::vector<std::byte> bytes_;
  std::uint64_t end_ = format::kDataStart;
  std::uint64_t frames_end_ = format::kDataStart;
  format::Address floor_{};
  const format::ConditionBlock* block_ = nullptr;
  std::uint64_t events_ = 0;
  std::uint64_t frames_ = 0;
  std::int64_t clock_ = 0;
  std::int64_t first_ = 0;
  std::int64_t last_ = 0;
  std::map<std::string, Version, std::less<>> versions_;
};

}  // namespace daybook::test

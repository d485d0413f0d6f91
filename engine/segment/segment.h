// One segment file, mapped, as readers see it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include <daybook/error.h>
#include <daybook/types.h>

#include "format/frame.h"
#include "format/layout.h"
#include "io/directory.h"

namespace daybook::segment {

// Thread safety: all const methods, from any thread. Lifetime: the bytes stay mapped as long as the object lives.
class Segment {
 public:
  // How the bytes get into memory.
  enum class Load : std::uint8_t {
    map,   // shared with the writer: sees what is appended later
    copy,  // read once with pread: a bad disk block is an error, never a signal
  };

  // Opens segments/<number> and checks its header. not_found when there is no such file.
  static Result<std::shared_ptr<Segment>> open(io::Directory& segments, std::uint64_t number, Load load = Load::map);

  // For a segment that the caller has just made, and maps writable.
  Segment(const format::SegmentHeader& header, std::unique_ptr<io::Mapping> mapping);

  [[nodiscard]] const format::SegmentHeader& header() const noexcept { return header_; }
  [[nodiscard]] std::uint64_t number() const noexcept { return header_.number; }
  [[nodiscard]] std::uint64_t salt() const noexcept { return salt_; }

  // The file from its first byte to the end of the frames.
  [[nodiscard]] std::span<const std::byte> data() const noexcept { return bytes_.first(data_end_); }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::uint64_t data_end() const noexcept { return data_end_; }

  [[nodiscard]] format::FrameStatus check(std::uint64_t offset, format::Check check) const noexcept {
    return format::check_frame(data(), offset, salt_, check, header_.number);
  }

  // The same for a reader's usual frame; zero: look closer with check().
  [[nodiscard]] format::Word accept(std::uint64_t offset, format::Check check) const noexcept {
    return format::accept_frame(data(), offset, salt_, check);
  }

  // The events of such frames, when they are published, and the only ones there.
  [[nodiscard]] std::size_t read_singles(std::span<const std::uint64_t> offsets, format::Check check,
                                         std::span<const std::byte* const> ahead,
                                         std::span<EventView> events) const noexcept {
    return format::read_singles(data(), offsets, salt_, check, ahead, events);
  }
  // Such events, one behind the other, of frames that end at `limit` or before.
  [[nodiscard]] format::FrameRun read_singles(format::FrameRun run, std::uint64_t limit, format::Check check,
                                              std::span<EventView> events) const noexcept {
    return format::read_singles(data().first(std::min(limit, data_end_)), run, salt_, check, events);
  }

  // The footer, when there is one and it is whole.
  [[nodiscard]] std::optional<format::SegmentFooter> footer() const noexcept;
  // The position of the event before the first one here, when it is written down.
  [[nodiscard]] std::optional<Position> base() const noexcept;

  // The writable mapping becomes read-only: the segment is sealed and nobody writes any more.
  Result<void> protect() { return mapping_->protect(); }
  [[nodiscard]] io::Mapping& mapping() const noexcept { return *mapping_; }

 private:
  Segment(const format::SegmentHeader& header, std::vector<std::byte> copy);

  const format::SegmentHeader header_;
  const std::uint64_t salt_;
  const std::uint64_t data_end_;
  const std::unique_ptr<io::Mapping> mapping_;  // null for a copy
  const std::vector<std::byte> copy_;
  const std::span<const std::byte> bytes_;
};

// Checks a header and its copy, the first that is whole wins; corrupt or unsupported says why neither is.
// `page` is the first page of the file.
Result<format::SegmentHeader> read_header(std::span<const std::byte> page, std::uint64_t number) noexcept;

}  // namespace daybook::segment

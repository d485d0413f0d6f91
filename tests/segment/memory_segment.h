// A segment over bytes in memory, without a file or a copy: for tests that look at it hundreds of thousands of times.
#pragma once

#include <memory>
#include <span>
#include <utility>

#include <daybook/error.h>

#include "io/directory.h"
#include "segment/segment.h"

namespace daybook::test {

class MemoryMapping final : public io::Mapping {
 public:
  explicit MemoryMapping(std::span<std::byte> bytes) { bytes_ = bytes; }
  Result<void> protect() override { return {}; }
  Result<void> populate(std::uint64_t, std::uint64_t) override { return {}; }
};

// What Segment::open does with a file of these bytes, which must live as long.
inline Result<std::shared_ptr<segment::Segment>> open_in_memory(std::span<std::byte> file, std::uint64_t number) {
  if (file.size() < format::kSegmentSizeMin) return fail({.code = Errc::corrupt, .what = "segment file size"});
  const auto header = segment::read_header(file.first(format::kPage), number);
  if (!header) return fail(header.error());
  if (file.size() < header->size) return fail({.code = Errc::corrupt, .what = "segment file size"});
  return std::make_shared<segment::Segment>(*header, std::make_unique<MemoryMapping>(file.first(header->size)));
}

}  // namespace daybook::test

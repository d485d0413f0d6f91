#include "segment/segment.h"

#include <cstring>
#include <utility>

namespace daybook::segment {
namespace {

Error at(Errc code, const char* what, std::uint64_t number, std::uint64_t offset, std::uint64_t expected,
         std::uint64_t actual) noexcept {
  return {.code = code, .what = what, .segment = number, .offset = offset, .expected = expected, .actual = actual};
}

template <typename T>
T read(std::span<const std::byte> bytes, std::uint64_t offset) noexcept {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

Result<format::SegmentHeader> check_header(std::span<const std::byte> page, std::uint64_t offset,
                                           std::uint64_t number) noexcept {
  const auto header = read<format::SegmentHeader>(page, offset);
  if (header.magic != format::kSegmentMagic) {
    return fail(at(Errc::corrupt, "segment magic", number, offset, format::kSegmentMagic, header.magic));
  }
  const std::uint32_t crc = format::header_crc(header);
  if (crc != header.crc) return fail(at(Errc::corrupt, "segment header checksum", number, offset, header.crc, crc));
  if (header.format_version != format::kFormatVersion) {
    return fail(at(Errc::unsupported, "format version", number, offset, format::kFormatVersion, header.format_version));
  }
  if (header.incompatible != 0) {
    return fail(at(Errc::unsupported, "incompatible features", number, offset, 0, header.incompatible));
  }
  if (header.number != number) {
    return fail(at(Errc::corrupt, "segment number", number, offset, number, header.number));
  }
  if (header.size < format::kSegmentSizeMin || header.size > format::kSegmentSizeMax ||
      header.size % format::kPage != 0) {
    return fail(at(Errc::corrupt, "segment size", number, offset, format::kSegmentSizeDefault, header.size));
  }
  return header;
}

}  // namespace

Result<format::SegmentHeader> read_header(std::span<const std::byte> page, std::uint64_t number) noexcept {
  auto header = check_header(page, 0, number);
  if (header || header.error().code == Errc::unsupported) return header;
  auto copy = check_header(page, format::kHeaderCopy, number);
  return copy || copy.error().code == Errc::unsupported ? copy : header;
}

Result<std::shared_ptr<Segment>> Segment::open(io::Directory& segments, std::uint64_t number, Load load) {
  const auto named = [number](Error error) {
    error.segment = number;
    return fail(error);
  };
  auto file = segments.open(format::segment_name(number), io::Directory::OpenMode::read);
  if (!file) return named(file.error());
  const auto size = (*file)->size();
  if (!size) return named(size.error());
  if (*size < format::kSegmentSizeMin) {
    return fail(at(Errc::corrupt, "segment file size", number, 0, format::kSegmentSizeMin, *size));
  }
  std::vector<std::byte> page(format::kPage);
  if (auto read = (*file)->read_at(0, page); !read) return named(read.error());
  const auto header = read_header(page, number);
  if (!header) return fail(header.error());
  if (*size < header->size) {
    return fail(at(Errc::corrupt, "segment file size", number, 0, header->size, *size));
  }
  if (load == Load::copy) {
    std::vector<std::byte> copy(header->size);
    if (auto read = (*file)->read_at(0, copy); !read) return named(read.error());
    return std::shared_ptr<Segment>(new Segment(*header, std::move(copy)));
  }
  auto mapping = (*file)->map(io::Access::read, header->size);
  if (!mapping) return named(mapping.error());
  return std::make_shared<Segment>(*header, std::move(*mapping));
}

Segment::Segment(const format::SegmentHeader& header, std::unique_ptr<io::Mapping> mapping)
    : header_(header),
      salt_(format::segment_salt(header)),
      data_end_(format::data_end(header.size)),
      mapping_(std::move(mapping)),
      bytes_(mapping_->bytes()) {
  // The footer is looked at by each open, and nothing near it is.
  mapping_->read_ahead(data_end_, header.size - data_end_, false);
}

Segment::Segment(const format::SegmentHeader& header, std::vector<std::byte> copy)
    : header_(header),
      salt_(format::segment_salt(header)),
      data_end_(format::data_end(header.size)),
      copy_(std::move(copy)),
      bytes_(copy_) {}

std::optional<format::SegmentFooter> Segment::footer() const noexcept {
  const auto footer = read<format::SegmentFooter>(bytes_, data_end_);
  if (footer.magic != format::kFooterMagic || footer.crc != format::footer_crc(footer, salt_)) return std::nullopt;
  if (footer.kind != format::SegmentFooter::closed && footer.kind != format::SegmentFooter::sealed) {
    return std::nullopt;
  }
  return footer;
}

std::optional<Position> Segment::base() const noexcept {
  const auto& base = *reinterpret_cast<const format::SegmentBase*>(bytes_.data() + format::kBaseOffset);
  const std::uint64_t check = format::load_decided(base.check);
  const std::uint64_t position = format::load_decided(base.position);
  if (check == format::base_check(position, salt_)) return position;
  if (const auto last = footer()) return last->base_position;
  return std::nullopt;
}

}  // namespace daybook::segment

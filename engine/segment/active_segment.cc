#include "segment/active_segment.h"

#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "io/system.h"

namespace daybook::segment {
namespace {

std::vector<std::byte> header_page(const format::SegmentHeader& header) {
  std::vector<std::byte> page(format::kPage);
  std::memcpy(page.data(), &header, sizeof(header));
  std::memcpy(page.data() + format::kHeaderCopy, &header, sizeof(header));
  return page;
}

format::SegmentHeader make_header(const ActiveSegment::Spec& spec) {
  format::SegmentHeader header{};
  header.magic = format::kSegmentMagic;
  header.format_version = format::kFormatVersion;
  header.log = spec.log;
  header.segment = io::random_uuid();
  header.number = spec.number;
  header.epoch = spec.epoch;
  header.size = spec.size;
  header.created_at = io::coarse_now();
  header.crc = format::header_crc(header);
  return header;
}

// Everything that has to be true of the file before it gets its name.
Result<void> write_new(io::File& file, const format::SegmentHeader& header, std::uint64_t zeroed) {
  DAYBOOK_TRY(file.allocate(header.size));
  if (zeroed > format::kPage) DAYBOOK_TRY(file.write_zeros(format::kPage, zeroed - format::kPage));
  DAYBOOK_TRY(file.write_at(0, header_page(header)));
  return file.sync();
}

constexpr std::uint64_t kFolioMax = 2u << 20;  // of Linux with pages of 4 KiB

std::unexpected<Error> about(std::uint64_t number, Error error) {
  error.segment = number;
  return fail(error);
}

}  // namespace

Result<std::unique_ptr<ActiveSegment>> ActiveSegment::create(io::Directory& segments, const Spec& spec) {
  const std::string name = format::segment_name(spec.number);
  const std::string temporary = format::temporary_name(spec.number, io::random_u64());
  const format::SegmentHeader header = make_header(spec);

  auto file = segments.create(temporary);
  if (!file) return about(spec.number, file.error());
  const auto give_up = [&](const Error& error) {
    (void)segments.remove(temporary);  // the error that matters is the first
    return about(spec.number, error);
  };
  if (auto written = write_new(**file, header, spec.zeroed); !written) return give_up(written.error());
  auto mapping = (*file)->map(io::Access::read_write, spec.size);
  if (!mapping) return give_up(mapping.error());
  auto second = segments.open(temporary, io::Directory::OpenMode::read_write);
  if (!second) return give_up(second.error());
  if (auto renamed = segments.rename(temporary, name); !renamed) return give_up(renamed.error());
  if (auto synced = segments.sync(); !synced) {
    (void)segments.remove(name);  // or the next attempt would meet it
    return about(spec.number, synced.error());
  }

  auto shared = std::make_shared<Segment>(header, std::move(*mapping));
  return std::unique_ptr<ActiveSegment>(
      new ActiveSegment(std::move(shared), {std::move(*file), std::move(*second)}, Prefix{}, spec.large_folios));
}

Result<std::unique_ptr<ActiveSegment>> ActiveSegment::reopen(io::Directory& segments, std::uint64_t number,
                                                             const Prefix& before, bool large_folios) {
  const std::string name = format::segment_name(number);
  std::array<std::unique_ptr<io::File>, kSyncFiles> files;
  for (auto& file : files) {
    auto opened = segments.open(name, io::Directory::OpenMode::read_write);
    if (!opened) return about(number, opened.error());
    file = std::move(*opened);
  }
  std::vector<std::byte> page(format::kPage);
  if (auto read = files[0]->read_at(0, page); !read) return about(number, read.error());
  const auto header = read_header(page, number);
  if (!header) return fail(header.error());
  // A copy or an archive may have made holes of its zeros. A store to a hole on a full disk would be a signal.
  if (auto backed = files[0]->allocate(header->size); !backed) return about(number, backed.error());
  if (auto zeroed = files[0]->write_zeros(format::data_end(header->size), format::kPage); !zeroed) {
    return about(number, zeroed.error());
  }
  if (auto synced = files[0]->sync(); !synced) return about(number, synced.error());
  // Somebody may have read beyond the frames, a backup or a check, and left large folios there.
  if (!large_folios) files[0]->drop_cache(before.end / kFolioMax * kFolioMax);
  auto mapping = files[0]->map(io::Access::read_write, header->size);
  if (!mapping) return about(number, mapping.error());
  auto shared = std::make_shared<Segment>(*header, std::move(*mapping));
  return std::unique_ptr<ActiveSegment>(new ActiveSegment(std::move(shared), std::move(files), before, large_folios));
}

ActiveSegment::ActiveSegment(std::shared_ptr<Segment> segment, std::array<std::unique_ptr<io::File>, kSyncFiles> files,
                             const Prefix& before, bool large_folios)
    : segment_(std::move(segment)),
      bytes_(segment_->mapping().bytes().data()),
      salt_(segment_->salt()),
      before_(before),
      files_(std::move(files)),
      claims_(before.end, segment_->data_end(), before.events) {
  const std::uint64_t written = before.end / format::kPage * format::kPage;
  segment_->mapping().read_ahead(written, segment_->data_end() - written, large_folios);
}

void ActiveSegment::pad(std::uint64_t offset) noexcept {
  const std::uint64_t size = claims_.data_end() - offset;
  const format::Word word = format::Word::pad(size, offset, salt_);
  // Release, as for every word; a pad has nothing before it but zeros.
  std::atomic_ref(format::frame_at(bytes_, offset).word).store(word.bits, std::memory_order_release);
}

}  // namespace daybook::segment

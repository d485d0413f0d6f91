#include "support/sim_file_data.h"

#include <algorithm>
#include <cstring>

namespace daybook::test {
namespace {

// A sector that is never synced (the page that live processes share) would collect versions without end.
constexpr std::size_t kVersionsMax = 32;

// Keeps every second.
void thin_out(std::vector<SimFileData::Version>& versions) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < versions.size(); ++i) {
    if (i % 2 == 0) versions[kept++] = versions[i];
  }
  versions.resize(kept);
}

// Copies [offset, offset + bytes.size()) of `content`, which reads as zeros behind its end.
void copy_out(const std::vector<std::byte>& content, std::uint64_t offset, std::span<std::byte> bytes) {
  const std::uint64_t there =
      offset < content.size() ? std::min<std::uint64_t>(bytes.size(), content.size() - offset) : 0;
  if (there > 0) std::memcpy(bytes.data(), content.data() + offset, there);
  std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(there), bytes.end(), std::byte{});
}

}  // namespace

SimFileData::~SimFileData() = default;

std::byte* SimFileData::own(Content& content) const {
  if (content.use_count() > 1) content = std::make_shared<std::vector<std::byte>>(*content);
  if (content->size() < padded_size()) content->resize(padded_size());
  return content->data();
}

std::uint64_t SimFileData::allocated() const noexcept {
  return static_cast<std::uint64_t>(std::ranges::count(blocks_, true)) * kSimPageSize;
}

std::uint64_t SimFileData::missing(std::uint64_t offset, std::uint64_t size) const noexcept {
  std::uint64_t pages = 0;
  for (std::uint64_t page = offset / kSimPageSize; page * kSimPageSize < offset + size; ++page) {
    if (page >= blocks_.size() || !blocks_[page]) ++pages;
  }
  return pages * kSimPageSize;
}

void SimFileData::mark_allocated(std::uint64_t offset, std::uint64_t size) {
  if (size == 0) return;
  const std::uint64_t end = (offset + size + kSimPageSize - 1) / kSimPageSize;
  if (blocks_.size() < end) blocks_.resize(end);
  std::fill(blocks_.begin() + static_cast<std::ptrdiff_t>(offset / kSimPageSize),
            blocks_.begin() + static_cast<std::ptrdiff_t>(end), true);
}

void SimFileData::grow(std::uint64_t size, SimTime now) {
  if (size <= size_) return;
  size_ = size;
  if (memory_) memory_->grow(size);
  pending_sizes_.push_back({now, size});
}

void SimFileData::read(std::uint64_t offset, std::span<std::byte> bytes) const {
  if (memory_) {
    std::memcpy(bytes.data(), memory_->data() + offset, bytes.size());
  } else {
    copy_out(*seen_, offset, bytes);
  }
}

// Changes [offset, offset + size), which is in the file, page by page: fill(part of the page, its offset in the range).
template <typename Fill>
void SimFileData::change(std::uint64_t offset, std::uint64_t size, SimTime now, Fill fill) {
  std::array<std::byte, kSimPageSize> buffer;
  for (std::uint64_t at = offset; at < offset + size;) {
    const std::uint64_t page = at / kSimPageSize;
    const std::uint64_t page_start = page * kSimPageSize;
    const std::uint64_t page_end = std::min(page_start + kSimPageSize, offset + size);
    const std::span bytes(buffer.data(), std::min<std::uint64_t>(kSimPageSize, padded_size() - page_start));
    read(page_start, bytes.first(std::min<std::uint64_t>(bytes.size(), size_ - page_start)));
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(bytes.size(), size_ - page_start)),
              bytes.end(), std::byte{});
    fill(bytes.subspan(at - page_start, page_end - at), at - offset);
    redirty(page);
    if (memory_) {
      const bool writable = memory_->writable();
      if (!writable) memory_->set_writable(true);
      std::memcpy(memory_->data() + at, bytes.data() + (at - page_start), page_end - at);
      if (!writable) memory_->set_writable(false);
    }
    observe_page(page, bytes, now);
    at = page_end;
  }
}

void SimFileData::write(std::uint64_t offset, std::span<const std::byte> bytes, SimTime now) {
  grow(offset + bytes.size(), now);
  mark_allocated(offset, bytes.size());
  change(offset, bytes.size(), now, [&](std::span<std::byte> part, std::uint64_t at) {
    std::memcpy(part.data(), bytes.data() + at, part.size());
  });
}

void SimFileData::write_zeros(std::uint64_t offset, std::uint64_t size, SimTime now) {
  grow(offset + size, now);
  mark_allocated(offset, size);
  change(offset, size, now, [](std::span<std::byte> part, std::uint64_t) { std::ranges::fill(part, std::byte{}); });
}

void SimFileData::allocate(std::uint64_t offset, std::uint64_t size, SimTime now) {
  grow(offset + size, now);
  mark_allocated(offset, size);
}

void SimFileData::punch(std::uint64_t offset, std::uint64_t size, SimTime now) {
  if (offset >= size_) return;
  size = std::min(size, size_ - offset);
  change(offset, size, now, [](std::span<std::byte> part, std::uint64_t) { std::ranges::fill(part, std::byte{}); });
  const std::uint64_t last = offset + size == size_ ? blocks_.size() : (offset + size) / kSimPageSize;
  for (std::uint64_t page = (offset + kSimPageSize - 1) / kSimPageSize;
       page < std::min<std::uint64_t>(last, blocks_.size()); ++page) {
    blocks_[page] = false;
  }
}

void SimFileData::redirty(std::uint64_t page) {
  constexpr std::uint64_t kPerPage = kSimPageSize / kSectorSize;
  const auto end = pending_.lower_bound(static_cast<std::uint32_t>((page + 1) * kPerPage));
  for (auto it = pending_.lower_bound(static_cast<std::uint32_t>(page * kPerPage)); it != end; ++it) {
    it->second.abandoned = false;
  }
}

void SimFileData::observe_page(std::uint64_t page, std::span<const std::byte> now_there, SimTime now) {
  std::byte* const seen = own(seen_) + page * kSimPageSize;
  for (std::size_t at = 0; at < now_there.size(); at += kSectorSize) {
    if (std::memcmp(seen + at, now_there.data() + at, kSectorSize) == 0) continue;
    auto& versions = pending_[static_cast<std::uint32_t>((page * kSimPageSize + at) / kSectorSize)].versions;
    if (versions.size() >= kVersionsMax) thin_out(versions);
    Version& version = versions.emplace_back();
    version.when = now;
    std::memcpy(version.bytes.data(), now_there.data() + at, kSectorSize);
    std::memcpy(seen + at, now_there.data() + at, kSectorSize);
  }
}

void SimFileData::observe(SimTime now) {
  if (!memory_ || writable_mappings_ == 0) return;
  std::array<std::byte, kSimPageSize> buffer;
  for (std::uint64_t at = 0; at < padded_size(); at += kSimPageSize) {
    const std::span bytes(buffer.data(), std::min<std::uint64_t>(kSimPageSize, padded_size() - at));
    if (std::memcmp(memory_->data() + at, own(seen_) + at, bytes.size()) == 0) continue;
    std::memcpy(bytes.data(), memory_->data() + at, bytes.size());  // once, for others may be storing
    redirty(at / kSimPageSize);
    mark_allocated(at, bytes.size());
    observe_page(at / kSimPageSize, bytes, now);
  }
}

void SimFileData::sync() {
  durable_size_ = size_;
  pending_sizes_.clear();
  if (pending_.empty()) return;
  std::byte* const durable = own(durable_);
  for (const auto& [sector, pending] : pending_) {
    if (!pending.abandoned)
      std::memcpy(durable + sector * kSectorSize, pending.versions.back().bytes.data(), kSectorSize);
  }
  std::erase_if(pending_, [](const auto& entry) { return !entry.second.abandoned; });
}

void SimFileData::fail_sync() {
  for (auto& [sector, pending] : pending_) pending.abandoned = true;
  ++failed_syncs_;
}

void SimFileData::drop_cache(std::uint64_t offset) {
  if (memory_) return;
  const auto is_dropped = [offset](std::uint32_t sector, const Pending& pending) {
    return pending.abandoned && sector * kSectorSize >= offset;
  };
  for (const auto& [sector, pending] : pending_) {
    if (!is_dropped(sector, pending)) continue;
    const Sector bytes = durable_sector(sector);
    std::memcpy(own(seen_) + sector * kSectorSize, bytes.data(), kSectorSize);
  }
  std::erase_if(pending_, [&](const auto& entry) { return is_dropped(entry.first, entry.second); });
}

std::byte* SimFileData::add_mapping(bool writable) {
  if (!memory_) {
    memory_ = std::make_unique<SimMemory>(size_);
    std::ranges::copy(std::span(*seen_).first(std::min<std::size_t>(seen_->size(), padded_size())), memory_->data());
  }
  ++mappings_;
  if (writable && writable_mappings_++ == 0 && !memory_->writable()) memory_->set_writable(true);
  return memory_->data();
}

void SimFileData::remove_mapping(bool writable, SimTime now) {
  observe(now);
  if (writable) --writable_mappings_;
  if (--mappings_ == 0) memory_.reset();
}

void SimFileData::protect_mapping() {
  if (--writable_mappings_ == 0) memory_->set_writable(false);
}

bool SimFileData::try_lock() noexcept {
  if (locked_) return false;
  locked_ = true;
  return true;
}

SimFileData::Sector SimFileData::durable_sector(std::uint32_t sector) const noexcept {
  Sector bytes;
  copy_out(*durable_, std::uint64_t{sector} * kSectorSize, bytes);
  return bytes;
}

std::vector<std::byte> SimFileData::durable_bytes() const {
  std::vector<std::byte> bytes(durable_size_);
  copy_out(*durable_, 0, bytes);
  return bytes;
}

std::vector<std::byte> SimFileData::newest_bytes() const {
  std::vector<std::byte> bytes(size_);
  read(0, bytes);
  return bytes;
}

std::shared_ptr<SimFileData> SimFileData::copy() const {
  auto other = std::make_shared<SimFileData>(id_);
  other->size_ = size_;
  other->durable_size_ = durable_size_;
  other->seen_ = seen_;
  other->durable_ = durable_;
  other->pending_ = pending_;
  other->pending_sizes_ = pending_sizes_;
  other->blocks_ = blocks_;
  return other;
}

std::shared_ptr<SimFileData> SimFileData::after_power_cut(const Image& image) const {
  auto other = std::make_shared<SimFileData>(id_);
  other->size_ = image.size;
  other->durable_size_ = image.size;
  other->blocks_ = blocks_;
  other->blocks_.resize(std::min<std::size_t>(blocks_.size(), (image.size + kSimPageSize - 1) / kSimPageSize));
  other->seen_ = durable_;
  const std::uint64_t end = other->padded_size();
  for (const auto& [sector, bytes] : image.sectors) {
    const std::uint64_t at = std::uint64_t{sector} * kSectorSize;
    if (at < end) std::memcpy(other->own(other->seen_) + at, bytes.data(), kSectorSize);
  }
  // What lies behind the end in the last sector reads as zeros when the file grows.
  if (image.size < end && other->seen_->size() > image.size) {
    std::byte* const content = other->own(other->seen_);
    std::fill(content + image.size, content + end, std::byte{});
  }
  other->durable_ = other->seen_;
  return other;
}

void SimFileData::overwrite(std::uint64_t offset, std::span<const std::byte> bytes) {
  change(offset, bytes.size(), 0, [&](std::span<std::byte> part, std::uint64_t at) {
    std::memcpy(part.data(), bytes.data() + at, part.size());
  });
  for (std::uint64_t at = offset / kSectorSize; at * kSectorSize < offset + bytes.size(); ++at) {
    Sector sector;
    copy_out(*seen_, at * kSectorSize, sector);
    std::memcpy(own(durable_) + at * kSectorSize, sector.data(), kSectorSize);
    pending_.erase(static_cast<std::uint32_t>(at));
  }
}

}  // namespace daybook::test

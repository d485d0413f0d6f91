#include "store/snapshot_folder.h"

#include <algorithm>
#include <utility>

namespace daybook {
namespace {

constexpr std::uint64_t kFirstSize = 64u << 10;  // a store of few snapshots stays small
constexpr std::uint64_t kFileSize = 64u << 20;   // what is pruned and written anew at once
constexpr std::uint64_t kGrowthMax = 8u << 20;

std::uint64_t pages_of(std::uint64_t size) { return (size + format::kPage - 1) / format::kPage * format::kPage; }

}  // namespace

Result<bool> SnapshotFolder::open_directory() {
  if (directory_ != nullptr) return true;
  auto directory = store_->subdirectory(format::kSnapshotsName, false);
  if (!directory && directory.error().code == Errc::not_found) return false;
  if (!directory) return fail(directory.error());
  directory_ = std::move(*directory);
  return true;
}

Result<std::vector<std::uint64_t>> SnapshotFolder::numbers() const {
  const auto names = directory_->list();
  if (!names) return fail(names.error());
  std::vector<std::uint64_t> numbers;
  for (const std::string& name : *names) {
    if (const auto number = format::parse_snapshots_name(name)) {
      numbers.push_back(*number);
    } else if (mode_ == io::Directory::OpenMode::read_write && format::is_temporary_name(name)) {
      (void)directory_->remove(name);  // of a writer that was killed
    }
  }
  std::ranges::sort(numbers);
  return numbers;
}

Result<void> SnapshotFolder::open(const Visit& visit) {
  const auto there = open_directory();
  if (!there) return fail(there.error());
  if (!*there) return {};
  const auto found = open_new(visit);
  if (!found) return fail(found.error());
  if (mode_ == io::Directory::OpenMode::read_write) go_on_with_last();
  return {};
}

// A file that has grown since it was mapped seems to be cut, where a record goes on behind what is mapped.
Result<void> SnapshotFolder::scan(SnapshotFile& file, const Visit& visit) {
  const auto visit_here = [&](std::uint64_t offset, const format::SnapshotRecord& record) {
    visit(file, offset, record);
  };
  for (std::uint64_t mapped = 0; mapped != file.size();) {
    mapped = file.size();
    file.scan(visit_here);
    if (file.ending() != SnapshotFile::Ending::cut) return {};
    DAYBOOK_TRY(file.catch_up());
  }
  file.scan(visit_here);
  return {};
}

bool SnapshotFolder::open_file(std::uint64_t number, const Visit& visit) {
  newest_ = std::max(newest_, number);
  auto file = SnapshotFile::open(*directory_, number, log_, mode_);
  if (!file && file.error().code == Errc::not_found) return false;
  if (!file || *file == nullptr) {
    ++foreign_;
    return true;
  }
  (void)scan(**file, visit);  // an error: it cannot be looked at again now
  files_.push_back(std::move(*file));
  return true;
}

// A list is old when its files are opened: one may be gone, and one may have ended. Then what was in it is in a later file, which
// was there before that happened, and is looked for.
Result<std::vector<std::uint64_t>> SnapshotFolder::open_new(const Visit& visit) {
  for (;;) {
    auto found = numbers();
    if (!found) return found;
    bool again = false;
    for (const std::uint64_t number : *found) {
      if (number <= newest_) continue;
      const bool opened = open_file(number, visit);
      again = !opened || files_.empty() || files_.back()->ending() == SnapshotFile::Ending::end;
    }
    if (!again) return found;
  }
}

// Behind a torn record nothing is appended: what a later crash brings to light of it might join in.
void SnapshotFolder::go_on_with_last() {
  if (files_.empty()) return;
  SnapshotFile& last = *files_.back();
  if (last.number() != newest_ || !last.writable() || last.ending() != SnapshotFile::Ending::open) return;
  const auto clean = last.is_clean();
  if (clean && *clean) current_ = &last;
}

bool SnapshotFolder::is_behind() const noexcept {
  return files_.empty() || files_.back()->ending() != SnapshotFile::Ending::open || files_.back()->has_more();
}

Result<void> SnapshotFolder::catch_up(const Visit& visit, const std::function<void(const SnapshotFile&)>& forget) {
  const auto there = open_directory();
  if (!there) return fail(there.error());
  if (!*there) return {};
  if (!files_.empty()) {
    SnapshotFile& last = *files_.back();
    DAYBOOK_TRY(last.catch_up());
    DAYBOOK_TRY(scan(last, visit));
    if (last.ending() == SnapshotFile::Ending::open) return {};
  }
  const std::uint64_t known = newest_;
  const auto found = open_new(visit);
  if (!found) return fail(found.error());
  if (newest_ == known) return {};
  std::vector<std::shared_ptr<SnapshotFile>> kept;
  for (const auto& file : files_) {
    if (std::ranges::binary_search(*found, file->number())) {
      kept.push_back(file);
    } else {
      forget(*file);
    }
  }
  files_ = std::move(kept);
  return {};
}

Result<std::shared_ptr<SnapshotFile>> SnapshotFolder::create_file(std::uint64_t size) {
  if (directory_ == nullptr) {
    auto directory = store_->subdirectory(format::kSnapshotsName, true);
    if (!directory) return fail(directory.error());
    directory_ = std::move(*directory);
  }
  return SnapshotFile::create(*directory_, newest_ + 1, log_, std::max(size, kFirstSize));
}

Result<void> SnapshotFolder::begin_file(std::uint64_t size) {
  auto made = create_file(size);
  if (!made && made.error().code == Errc::not_found) {
    directory_.reset();  // somebody has removed the folder
    made = create_file(size);
  }
  if (!made) return fail(made.error());
  // Behind a torn record, too: a reader that has come so far would not look for another file.
  if (!files_.empty()) files_.back()->write_end();
  ++newest_;
  current_ = made->get();
  files_.push_back(std::move(*made));
  return {};
}

Result<SnapshotFile*> SnapshotFolder::make_room(std::uint64_t record_size) {
  const std::uint64_t more = record_size + sizeof(format::SnapshotRecord);
  if (current_ != nullptr && current_->end() + more > kFileSize && current_->used() > 0) current_ = nullptr;
  if (current_ == nullptr) DAYBOOK_TRY(begin_file(pages_of(sizeof(format::SnapshotFileHeader) + more)));
  const std::uint64_t needed = current_->end() + more;
  if (needed > current_->size()) {
    const std::uint64_t wanted = std::min(current_->size() + std::min(current_->size(), kGrowthMax), kFileSize);
    DAYBOOK_TRY(current_->grow(std::max(pages_of(needed), wanted)));
  }
  return current_;
}

std::uint64_t SnapshotFolder::used() const noexcept {
  std::uint64_t bytes = 0;
  for (const auto& file : files_) bytes += file->used();
  return bytes;
}

Result<void> SnapshotFolder::remove_file(std::uint64_t number) {
  auto removed = directory_->remove(format::snapshots_name(number));
  if (!removed && removed.error().code == Errc::not_found) return {};
  return removed;
}

void SnapshotFolder::drop(const SnapshotFile& file) {
  std::erase_if(files_, [&file](const auto& other) { return other.get() == &file; });
}

}  // namespace daybook

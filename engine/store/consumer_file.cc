#include "store/consumer_file.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <utility>

#include "io/system.h"

namespace daybook::consumers {
namespace {

constexpr std::string_view kJournalSuffix = ".journal";
constexpr std::uint64_t kFileSizeMax = 1u << 30;

std::string journal_name(std::string_view name, std::uint64_t number) {
  return std::string(name) + "~" + std::to_string(number) + std::string(kJournalSuffix);
}

struct JournalName {
  std::string_view name;
  std::uint64_t number = 0;
};

std::optional<JournalName> parse_journal_name(std::string_view text) {
  const auto tilde = text.find('~');
  if (tilde == text.npos || !text.ends_with(kJournalSuffix)) return std::nullopt;
  const std::string_view digits = text.substr(tilde + 1, text.size() - tilde - 1 - kJournalSuffix.size());
  JournalName parsed{.name = text.substr(0, tilde)};
  const char* const end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, parsed.number);
  if (error != std::errc{} || rest != end || parsed.number == 0 || !check_name(parsed.name)) return std::nullopt;
  return parsed;
}

// The number of the journal that counts; 0 = there is none.
Result<std::uint64_t> newest_journal(io::Directory& folder, std::string_view name) {
  const auto names = folder.list();
  if (!names) return fail(names.error());
  std::uint64_t newest = 0;
  for (const std::string& entry : *names) {
    const auto parsed = parse_journal_name(entry);
    if (parsed && parsed->name == name) newest = std::max(newest, parsed->number);
  }
  return newest;
}

Result<Journal> read_journal(const io::File& file) {
  const auto size = file.size();
  if (!size) return fail(size.error());
  if (*size > kFileSizeMax) {
    return fail(Error{.code = Errc::corrupt, .what = "consumer: file size", .expected = kFileSizeMax, .actual = *size});
  }
  std::vector<std::byte> bytes(*size);
  DAYBOOK_TRY(file.read_at(0, bytes));
  return parse_journal(bytes);
}

Error about(Error error, std::string_view name) {
  error.detail = ErrorText("consumer " + std::string(name));
  return error;
}

}  // namespace

Timestamp now() noexcept { return Timestamp(std::chrono::nanoseconds(io::coarse_now())); }

Result<void> check_name(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  if (!name.empty() && name.size() <= kConsumerNameSizeMax && std::ranges::all_of(name, allowed)) return {};
  return fail(Error{.code = Errc::invalid_argument,
                    .what = "name of a consumer: 1 to 100 of A-Z a-z 0-9 . _ -",
                    .expected = kConsumerNameSizeMax,
                    .actual = name.size()});
}

Result<std::vector<std::string>> list_names(io::Directory& store) {
  auto folder = store.subdirectory(kConsumersName, false);
  if (!folder && folder.error().code == Errc::not_found) return std::vector<std::string>{};
  if (!folder) return fail(folder.error());
  const auto entries = (*folder)->list();
  if (!entries) return fail(entries.error());
  std::vector<std::string> names;
  for (const std::string& entry : *entries) {
    if (const auto parsed = parse_journal_name(entry)) names.emplace_back(parsed->name);
  }
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  return names;
}

Result<ConsumerState> read_state(io::Directory& store, std::string_view name) {
  DAYBOOK_TRY(check_name(name));
  const Error none{.code = Errc::not_found, .what = "consumer", .detail = ErrorText("consumer " + std::string(name))};
  auto folder = store.subdirectory(kConsumersName, false);
  if (!folder) return fail(folder.error().code == Errc::not_found ? none : about(folder.error(), name));
  for (std::uint64_t before = 0;;) {
    const auto number = newest_journal(**folder, name);
    if (!number) return fail(about(number.error(), name));
    if (*number == 0) return fail(none);
    const auto file = (*folder)->open(journal_name(name, *number), io::Directory::OpenMode::read);
    // Written anew between the two calls; but one that was gone before is not looked for for ever.
    if (!file && file.error().code == Errc::not_found && *number != std::exchange(before, *number)) continue;
    if (!file) return fail(about(file.error(), name));
    auto journal = read_journal(**file);
    if (!journal) return fail(about(journal.error(), name));
    return std::move(journal->state);
  }
}

ConsumerFile::ConsumerFile(std::unique_ptr<io::Directory> folder, std::unique_ptr<io::Lock> lock, std::string name,
                           std::uint64_t growth_max)
    : folder_(std::move(folder)),
      lock_(std::move(lock)),
      name_(std::move(name)),
      growth_max_(growth_max),
      fork_generation_(io::fork_generation()) {}

Result<std::unique_ptr<ConsumerFile>> ConsumerFile::open(io::Directory& store, std::string_view name,
                                                         std::uint64_t growth_max) {
  DAYBOOK_TRY(check_name(name));
  auto folder = store.subdirectory(kConsumersName, false);
  if (!folder && folder.error().code == Errc::not_found) folder = store.subdirectory(kConsumersName, true);
  if (!folder) return fail(about(folder.error(), name));
  auto lock = (*folder)->lock(std::string(name) + "~lock");
  if (!lock) return fail(about(lock.error(), name));
  auto file = std::unique_ptr<ConsumerFile>(
      new ConsumerFile(std::move(*folder), std::move(*lock), std::string(name), growth_max));
  if (auto loaded = file->load(); !loaded) return fail(about(loaded.error(), name));
  return file;
}

Result<void> ConsumerFile::load() {
  const auto newest = newest_journal(*folder_, name_);
  if (!newest) return fail(newest.error());
  number_ = *newest;
  if (number_ == 0) return {};
  auto file = folder_->open(journal_name(name_, number_), io::Directory::OpenMode::read_write);
  if (!file) return fail(file.error());
  auto journal = read_journal(**file);
  if (!journal) return fail(journal.error());
  const auto size = (*file)->size();
  if (!size) return fail(size.error());
  file_ = std::move(*file);
  state_ = std::move(journal->state);
  base_size_ = journal->base_size;
  end_ = journal->end;
  check_ = journal->check;
  // A torn tail is cut by writing the rest anew: what is cut cannot come back then, whatever the disk does.
  if (end_ != *size) return write_anew(state_);
  return {};
}

Result<void> ConsumerFile::begin(ConsumerState state) {
  state.saved_at = now();
  return write_anew(std::move(state));
}

Result<void> ConsumerFile::write_anew(ConsumerState state) {
  const JournalWriter journal(state, io::random_u64());
  const std::string temporary = name_ + "~new";
  const std::uint64_t number = number_ + 1;
  if (auto removed = folder_->remove(temporary); !removed && removed.error().code != Errc::not_found) return removed;
  auto file = folder_->create(temporary);
  if (!file) return fail(file.error());
  DAYBOOK_TRY((*file)->write_at(0, journal.bytes()));
  DAYBOOK_TRY((*file)->sync());
  DAYBOOK_TRY(folder_->rename(temporary, journal_name(name_, number)));
  // From here on the new one counts for whoever opens, so it must for us, whatever else happens.
  file_ = std::move(*file);
  state_ = std::move(state);
  base_size_ = end_ = journal.bytes().size();
  check_ = journal.check();
  const std::uint64_t before = std::exchange(number_, number);
  if (auto synced = folder_->sync(); !synced) {
    sync_failed_ = true;
    return synced;
  }
  // Older ones than the last are there when a crash came before their removal was durable.
  const auto names = folder_->list();
  if (!names) return fail(names.error());
  for (const std::string& entry : *names) {
    const auto parsed = parse_journal_name(entry);
    if (parsed && parsed->name == name_ && parsed->number <= before) (void)folder_->remove(entry);
  }
  return {};
}

Result<void> ConsumerFile::append(const JournalWriter& records, Sync sync) {
  if (io::fork_generation() != fork_generation_) {
    return fail(about({.code = Errc::closed, .what = "consumer of a parent process"}, name_));
  }
  if (sync_failed_) return fail(about({.code = Errc::poisoned, .what = "sync of a consumer"}, name_));
  if (auto written = file_->write_at(end_, records.bytes()); !written) return fail(about(written.error(), name_));
  end_ += records.bytes().size();
  check_ = records.check();
  if (sync == Sync::no) return {};
  if (auto synced = file_->sync(); !synced) {
    sync_failed_ = true;
    return fail(about(synced.error(), name_));
  }
  return {};
}

Result<void> ConsumerFile::save(const ResumeToken& at, Sync sync) {
  const Timestamp time = now();
  JournalWriter records = writer();
  records.add_position(at, time);
  DAYBOOK_TRY(append(records, sync));
  state_.at = at;
  state_.saved_at = time;
  if (end_ - base_size_ < growth_max_) return {};
  return write_anew(state_);
}

Result<void> ConsumerFile::reset(const ResumeToken& at) {
  const Timestamp time = now();
  if (at.log != state_.at.log) {  // the log was made anew, and this was left behind: nothing of it is of the new one
    return write_anew({.at = at, .query = state_.query, .saved_at = time});
  }
  JournalWriter records = writer();
  records.add_reset(at, time);
  DAYBOOK_TRY(append(records, Sync::yes));
  reset_to(state_, at, time);
  return {};
}

Result<void> ConsumerFile::set_query(const Query& query) {
  JournalWriter records = writer();
  records.add_query(query);
  DAYBOOK_TRY(append(records, Sync::yes));
  state_.query = query;
  return {};
}

Result<void> ConsumerFile::park(const ParkedEvent& event, Sync sync) {
  JournalWriter records = writer();
  records.add_parked(event);
  DAYBOOK_TRY(append(records, sync));
  state_.parked.insert_or_assign(event.position, event);
  return {};
}

Result<void> ConsumerFile::unpark(Position position, Sync sync) {
  JournalWriter records = writer();
  records.add_unparked(position);
  DAYBOOK_TRY(append(records, sync));
  state_.parked.erase(position);
  return {};
}

}  // namespace daybook::consumers

// The io seam on a simulated disk.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "io/system.h"
#include "support/sim_state.h"

namespace daybook::test {
namespace {

using SharedState = std::shared_ptr<SimState>;
using SharedData = std::shared_ptr<SimFileData>;

std::unexpected<Error> refuse(IoCall call, int error_number) { return fail(io_error(call, error_number)); }

class SimMapping final : public io::Mapping {
 public:
  SimMapping(SharedState state, SharedData data, io::Access access, std::uint64_t size)
      : state_(std::move(state)), data_(std::move(data)), writable_(access == io::Access::read_write) {
    bytes_ = {data_->add_mapping(writable_), size};
  }
  ~SimMapping() override {
    const std::scoped_lock lock(state_->mutex);
    data_->remove_mapping(writable_, ++state_->clock);
  }

  Result<void> protect() override {
    const SimCall call(*state_, IoCall::protect);
    if (call.hit) return fail(call.hit->error);
    if (std::exchange(writable_, false)) data_->protect_mapping();
    return {};
  }

  Result<void> populate(std::uint64_t offset, std::uint64_t size) override {
    const SimCall call(*state_, IoCall::populate);
    if (call.hit) return fail(call.hit->error);
    if (offset > bytes_.size() || size > bytes_.size() - offset) {
      return fail({.code = Errc::invalid_argument, .what = "mapping offset", .offset = offset, .actual = size});
    }
    if (!state_->has_room(data_->missing(offset, size))) return refuse(IoCall::populate, EFAULT);
    data_->allocate(offset, size, state_->clock);
    return {};
  }

 private:
  SharedState state_;
  SharedData data_;
  bool writable_;
};

class SimFile final : public io::File {
 public:
  SimFile(SharedState state, SharedData data, io::Directory::OpenMode mode)
      : state_(std::move(state)),
        data_(std::move(data)),
        writable_(mode == io::Directory::OpenMode::read_write),
        reported_(data_->failed_syncs()) {}

  Result<std::uint64_t> size() const override {
    const SimCall call(*state_, IoCall::size);
    if (call.hit) return fail(call.hit->error);
    return data_->size();
  }

  Result<std::uint64_t> allocated() const override {
    const SimCall call(*state_, IoCall::allocated);
    if (call.hit) return fail(call.hit->error);
    return data_->allocated();
  }

  Result<void> read_at(std::uint64_t offset, std::span<std::byte> bytes) const override {
    const SimCall call(*state_, IoCall::read);
    const std::uint64_t there =
        offset < data_->size() ? std::min<std::uint64_t>(bytes.size(), data_->size() - offset) : 0;
    const std::uint64_t done = call.hit ? std::min(call.hit->done, there) : there;
    if (done > 0) data_->read(offset, bytes.first(done));
    if (call.hit) return fail(call.hit->error);
    if (there == bytes.size()) return {};
    return fail({.code = Errc::corrupt,
                 .what = "file is short",
                 .offset = offset,
                 .expected = offset + bytes.size(),
                 .actual = offset + there});
  }

  Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    const SimCall call(*state_, IoCall::write);
    const auto part = bytes.first(call.hit ? std::min<std::size_t>(call.hit->done, bytes.size()) : bytes.size());
    DAYBOOK_TRY(check_change(IoCall::write, offset, part.size()));
    if (!part.empty()) data_->write(offset, part, state_->clock);
    if (call.hit) return fail(call.hit->error);
    return {};
  }

  Result<void> allocate(std::uint64_t size) override {
    const SimCall call(*state_, IoCall::allocate);
    const std::uint64_t part = call.hit ? std::min(call.hit->done, size) : size;
    DAYBOOK_TRY(check_change(IoCall::allocate, 0, part));
    if (part > 0) data_->allocate(0, part, state_->clock);
    if (call.hit) return fail(call.hit->error);
    return {};
  }

  Result<void> write_zeros(std::uint64_t offset, std::uint64_t size) override {
    const SimCall call(*state_, IoCall::write_zeros);
    const std::uint64_t part = call.hit ? std::min(call.hit->done, size) : size;
    DAYBOOK_TRY(check_change(IoCall::write_zeros, offset, part));
    if (part > 0) data_->write_zeros(offset, part, state_->clock);
    if (call.hit) return fail(call.hit->error);
    return {};
  }

  Result<void> punch(std::uint64_t offset, std::uint64_t size) override {
    const SimCall call(*state_, IoCall::punch);
    if (call.hit) return fail(call.hit->error);
    if (!writable_) return refuse(IoCall::punch, EBADF);
    if (size > 0) data_->punch(offset, size, state_->clock);
    return {};
  }

  Result<void> sync() override {
    const SimCall call(*state_, IoCall::sync);
    if (call.hit) {
      data_->fail_sync();
      reported_ = data_->failed_syncs();
      return fail(call.hit->error);
    }
    // Whatever is clean in the kernel's eyes stays as it is; the rest is written, also by a call that then reports an
    // error of before.
    data_->sync();
    const bool is_news = reported_ != data_->failed_syncs();
    reported_ = data_->failed_syncs();
    if (is_news) return refuse(IoCall::sync, EIO);
    return {};
  }

  // Not counted: it cannot fail.
  void drop_cache(std::uint64_t offset) noexcept override {
    const std::scoped_lock lock(state_->mutex);
    state_->observe();
    data_->drop_cache(offset);
  }

  Result<std::unique_ptr<io::Mapping>> map(io::Access access, std::uint64_t size) override {
    const SimCall call(*state_, IoCall::map);
    if (call.hit) return fail(call.hit->error);
    if (access == io::Access::read_write && !writable_) return refuse(IoCall::map, EACCES);
    if (size == 0) return fail({.code = Errc::invalid_argument, .sys_errno = EINVAL, .what = "mapping size"});
    if (size > data_->size()) {
      return fail({.code = Errc::corrupt, .what = "file is short", .expected = size, .actual = data_->size()});
    }
    return std::make_unique<SimMapping>(state_, data_, access, size);
  }

 private:
  [[nodiscard]] Result<void> check_change(IoCall call, std::uint64_t offset, std::uint64_t size) const {
    if (!writable_) return refuse(call, EBADF);
    if (offset > SimMemory::kCapacity || size > SimMemory::kCapacity - offset) return refuse(call, EFBIG);
    if (!state_->has_room(data_->missing(offset, size))) return refuse(call, ENOSPC);
    return {};
  }

  SharedState state_;
  SharedData data_;
  const bool writable_;
  std::uint64_t reported_;  // failed syncs of the file that this description has told about
};

class SimLock final : public io::Lock {
 public:
  SimLock(SharedState state, SharedData data) : state_(std::move(state)), data_(std::move(data)) {}
  ~SimLock() override {
    const std::scoped_lock lock(state_->mutex);
    data_->unlock();
  }
  SimLock(const SimLock&) = delete;
  SimLock& operator=(const SimLock&) = delete;

 private:
  SharedState state_;
  SharedData data_;
};

class SimDirectory final : public io::Directory {
 public:
  SimDirectory(SharedState state, std::shared_ptr<SimDirData> data)
      : state_(std::move(state)), data_(std::move(data)) {}

  Result<std::unique_ptr<io::File>> open(std::string_view name, OpenMode mode) override {
    const SimCall call(*state_, IoCall::open);
    if (call.hit) return fail(call.hit->error);
    DAYBOOK_TRY(check_name(name));
    const auto it = data_->newest.find(name);
    if (it == data_->newest.end()) return refuse(IoCall::open, ENOENT);
    if (!it->second.file) return fail({.code = Errc::io, .sys_errno = EISDIR, .what = "not a regular file"});
    return open_sim_file(state_, it->second.file, mode);
  }

  Result<std::unique_ptr<io::File>> create(std::string_view name) override {
    const SimCall call(*state_, IoCall::create);
    if (call.hit) return fail(call.hit->error);
    DAYBOOK_TRY(check_name(name));
    if (data_->newest.contains(name)) return refuse(IoCall::create, EEXIST);
    return open_sim_file(state_, add_file(name), OpenMode::read_write);
  }

  Result<void> rename(std::string_view from, std::string_view to) override {
    const SimCall call(*state_, IoCall::rename);
    if (call.hit) return fail(call.hit->error);
    DAYBOOK_TRY(check_name(from));
    DAYBOOK_TRY(check_name(to));
    const auto it = data_->newest.find(from);
    if (it == data_->newest.end()) return refuse(IoCall::rename, ENOENT);
    if (data_->newest.contains(to)) return refuse(IoCall::rename, EEXIST);
    change({.kind = SimNameChange::Kind::move, .name = std::string(from), .to = std::string(to), .node = it->second});
    return {};
  }

  Result<void> remove(std::string_view name) override {
    const SimCall call(*state_, IoCall::remove);
    if (call.hit) return fail(call.hit->error);
    DAYBOOK_TRY(check_name(name));
    const auto it = data_->newest.find(name);
    if (it == data_->newest.end()) return refuse(IoCall::remove, ENOENT);
    if (it->second.directory) return refuse(IoCall::remove, EISDIR);
    change({.kind = SimNameChange::Kind::erase, .name = std::string(name), .node = it->second});
    return {};
  }

  Result<std::vector<std::string>> list() override {
    const SimCall call(*state_, IoCall::list);
    if (call.hit) return fail(call.hit->error);
    std::vector<std::string> names;
    for (const auto& [name, node] : data_->newest) names.push_back(name);
    return names;
  }

  Result<void> sync() override {
    const SimCall call(*state_, IoCall::directory_sync);
    if (call.hit) {
      data_->fail_sync();
      return fail(call.hit->error);
    }
    data_->sync();
    return {};
  }

  // The top directory is durable; for what is below it, nobody has asked yet.
  Result<void> sync_name() override {
    const SimCall call(*state_, IoCall::directory_sync);
    if (call.hit) return fail(call.hit->error);
    return {};
  }

  Result<std::unique_ptr<io::Directory>> subdirectory(std::string_view name, bool create) override {
    if (create) {
      const auto made = make_directory(name);
      if (!made) return fail(made.error());
      if (*made) DAYBOOK_TRY(sync());
    }
    const SimCall call(*state_, IoCall::subdirectory);
    if (call.hit) return fail(call.hit->error);
    DAYBOOK_TRY(check_name(name));
    const auto it = data_->newest.find(name);
    if (it == data_->newest.end()) return refuse(IoCall::open, ENOENT);
    if (!it->second.directory) return refuse(IoCall::open, ENOTDIR);
    return open_sim_directory(state_, it->second.directory);
  }

  Result<std::unique_ptr<io::Lock>> lock(std::string_view name) override {
    const SimCall call(*state_, IoCall::lock);
    if (call.hit) return fail(call.hit->error);
    DAYBOOK_TRY(check_name(name));
    const auto it = data_->newest.find(name);
    if (it != data_->newest.end() && !it->second.file) return refuse(IoCall::open, EISDIR);
    const auto file = it == data_->newest.end() ? add_file(name) : it->second.file;
    if (file->try_lock()) return std::make_unique<SimLock>(state_, file);
    return fail({.code = Errc::locked, .sys_errno = EAGAIN, .what = "fcntl(F_OFD_SETLK)", .actual = io::process_id()});
  }

  Result<void> check_file_system() override {
    const SimCall call(*state_, IoCall::check_file_system);
    if (call.hit) return fail(call.hit->error);
    return {};
  }

 private:
  static Result<void> check_name(std::string_view name) {
    const bool is_plain = !name.empty() && name != "." && name != ".." &&
                          name.find_first_of(std::string_view("/\0", 2)) == std::string_view::npos;
    if (is_plain) return {};
    return fail({.code = Errc::invalid_argument, .sys_errno = EINVAL, .what = "file name"});
  }

  // False: it is there.
  Result<bool> make_directory(std::string_view name) {
    const SimCall call(*state_, IoCall::subdirectory);
    if (call.hit) return fail(call.hit->error);
    DAYBOOK_TRY(check_name(name));
    if (data_->newest.contains(name)) return false;
    change({.kind = SimNameChange::Kind::add,
            .name = std::string(name),
            .node = {nullptr, std::make_shared<SimDirData>()}});
    return true;
  }

  SharedData add_file(std::string_view name) {
    SharedData file = state_->make_file();
    change({.kind = SimNameChange::Kind::add, .name = std::string(name), .node = {file, nullptr}});
    return file;
  }

  void change(SimNameChange change) {
    change.when = state_->clock;
    data_->change(std::move(change));
  }

  SharedState state_;
  std::shared_ptr<SimDirData> data_;
};

}  // namespace

std::unique_ptr<io::File> open_sim_file(std::shared_ptr<SimState> state, std::shared_ptr<SimFileData> data,
                                        io::Directory::OpenMode mode) {
  return std::make_unique<SimFile>(std::move(state), std::move(data), mode);
}

std::unique_ptr<io::Directory> open_sim_directory(std::shared_ptr<SimState> state,
                                                  std::shared_ptr<SimDirData> directory) {
  return std::make_unique<SimDirectory>(std::move(state), std::move(directory));
}

}  // namespace daybook::test

#include "support/faulty_directory.h"

#include <algorithm>
#include <utility>

namespace daybook::test {
namespace {

using SharedFaults = std::shared_ptr<IoFaults>;

class FaultyMapping final : public io::Mapping {
 public:
  FaultyMapping(std::unique_ptr<io::Mapping> inner, SharedFaults faults)
      : inner_(std::move(inner)), faults_(std::move(faults)) {
    bytes_ = inner_->bytes();
  }

  Result<void> protect() override {
    if (const auto hit = faults_->on_call(IoCall::protect)) return fail(hit->error);
    return inner_->protect();
  }
  Result<void> populate(std::uint64_t offset, std::uint64_t size) override {
    if (const auto hit = faults_->on_call(IoCall::populate)) return fail(hit->error);
    return inner_->populate(offset, size);
  }
  void read_ahead(std::uint64_t offset, std::uint64_t size, bool ahead) noexcept override {
    inner_->read_ahead(offset, size, ahead);
  }

 private:
  std::unique_ptr<io::Mapping> inner_;
  SharedFaults faults_;
};

class FaultyFile final : public io::File {
 public:
  FaultyFile(std::unique_ptr<io::File> inner, SharedFaults faults)
      : inner_(std::move(inner)), faults_(std::move(faults)) {}

  Result<std::uint64_t> size() const override {
    if (const auto hit = faults_->on_call(IoCall::size)) return fail(hit->error);
    return inner_->size();
  }
  Result<std::uint64_t> allocated() const override {
    if (const auto hit = faults_->on_call(IoCall::allocated)) return fail(hit->error);
    return inner_->allocated();
  }
  Result<void> read_at(std::uint64_t offset, std::span<std::byte> bytes) const override {
    const auto hit = faults_->on_call(IoCall::read);
    if (!hit) return inner_->read_at(offset, bytes);
    if (hit->done > 0)
      DAYBOOK_TRY(inner_->read_at(offset, bytes.first(std::min<std::size_t>(hit->done, bytes.size()))));
    return fail(hit->error);
  }
  Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    const auto hit = faults_->on_call(IoCall::write);
    if (!hit) return inner_->write_at(offset, bytes);
    if (hit->done > 0) {
      DAYBOOK_TRY(inner_->write_at(offset, bytes.first(std::min<std::size_t>(hit->done, bytes.size()))));
    }
    return fail(hit->error);
  }
  Result<void> allocate(std::uint64_t size) override {
    const auto hit = faults_->on_call(IoCall::allocate);
    if (!hit) return inner_->allocate(size);
    if (hit->done > 0) DAYBOOK_TRY(inner_->allocate(std::min(hit->done, size)));
    return fail(hit->error);
  }
  Result<void> write_zeros(std::uint64_t offset, std::uint64_t size) override {
    const auto hit = faults_->on_call(IoCall::write_zeros);
    if (!hit) return inner_->write_zeros(offset, size);
    if (hit->done > 0) DAYBOOK_TRY(inner_->write_zeros(offset, std::min(hit->done, size)));
    return fail(hit->error);
  }
  Result<void> punch(std::uint64_t offset, std::uint64_t size) override {
    if (const auto hit = faults_->on_call(IoCall::punch)) return fail(hit->error);
    return inner_->punch(offset, size);
  }
  Result<void> sync() override {
    if (const auto hit = faults_->on_call(IoCall::sync)) return fail(hit->error);
    return inner_->sync();
  }
  void read_ahead(bool ahead) noexcept override { inner_->read_ahead(ahead); }
  void drop_cache(std::uint64_t offset) noexcept override { inner_->drop_cache(offset); }
  Result<std::unique_ptr<io::Mapping>> map(io::Access access, std::uint64_t size) override {
    if (const auto hit = faults_->on_call(IoCall::map)) return fail(hit->error);
    auto inner = inner_->map(access, size);
    if (!inner) return inner;
    return std::make_unique<FaultyMapping>(std::move(*inner), faults_);
  }

 private:
  std::unique_ptr<io::File> inner_;
  SharedFaults faults_;
};

class FaultyDirectory final : public io::Directory {
 public:
  FaultyDirectory(std::unique_ptr<io::Directory> inner, SharedFaults faults)
      : inner_(std::move(inner)), faults_(std::move(faults)) {}

  Result<std::unique_ptr<io::File>> open(std::string_view name, OpenMode mode) override {
    if (const auto hit = faults_->on_call(IoCall::open)) return fail(hit->error);
    return wrap(inner_->open(name, mode));
  }
  Result<std::unique_ptr<io::File>> create(std::string_view name) override {
    if (const auto hit = faults_->on_call(IoCall::create)) return fail(hit->error);
    return wrap(inner_->create(name));
  }
  Result<void> rename(std::string_view from, std::string_view to) override {
    if (const auto hit = faults_->on_call(IoCall::rename)) return fail(hit->error);
    return inner_->rename(from, to);
  }
  Result<void> remove(std::string_view name) override {
    if (const auto hit = faults_->on_call(IoCall::remove)) return fail(hit->error);
    return inner_->remove(name);
  }
  Result<std::vector<std::string>> list() override {
    if (const auto hit = faults_->on_call(IoCall::list)) return fail(hit->error);
    return inner_->list();
  }
  Result<void> sync() override {
    if (const auto hit = faults_->on_call(IoCall::directory_sync)) return fail(hit->error);
    return inner_->sync();
  }
  Result<void> sync_name() override {
    if (const auto hit = faults_->on_call(IoCall::directory_sync)) return fail(hit->error);
    return inner_->sync_name();
  }
  Result<std::unique_ptr<io::Directory>> subdirectory(std::string_view name, bool create) override {
    if (const auto hit = faults_->on_call(IoCall::subdirectory)) return fail(hit->error);
    auto inner = inner_->subdirectory(name, create);
    if (!inner) return inner;
    return make_faulty(std::move(*inner), faults_);
  }
  Result<std::unique_ptr<io::Lock>> lock(std::string_view name) override {
    if (const auto hit = faults_->on_call(IoCall::lock)) return fail(hit->error);
    return inner_->lock(name);
  }
  Result<void> check_file_system() override {
    if (const auto hit = faults_->on_call(IoCall::check_file_system)) return fail(hit->error);
    return inner_->check_file_system();
  }

 private:
  Result<std::unique_ptr<io::File>> wrap(Result<std::unique_ptr<io::File>> inner) {
    if (!inner) return inner;
    return std::make_unique<FaultyFile>(std::move(*inner), faults_);
  }

  std::unique_ptr<io::Directory> inner_;
  SharedFaults faults_;
};

}  // namespace

std::unique_ptr<io::Directory> make_faulty(std::unique_ptr<io::Directory> inner, std::shared_ptr<IoFaults> faults) {
  return std::make_unique<FaultyDirectory>(std::move(inner), std::move(faults));
}

}  // namespace daybook::test

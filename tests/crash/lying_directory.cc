#include "crash/lying_directory.h"

#include <utility>

namespace daybook::test {
namespace {

class LyingFile final : public io::File {
 public:
  explicit LyingFile(std::unique_ptr<io::File> inner) : inner_(std::move(inner)) {}

  Result<std::uint64_t> size() const override { return inner_->size(); }
  Result<std::uint64_t> allocated() const override { return inner_->allocated(); }
  Result<void> read_at(std::uint64_t offset, std::span<std::byte> bytes) const override {
    return inner_->read_at(offset, bytes);
  }
  Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    return inner_->write_at(offset, bytes);
  }
  Result<void> allocate(std::uint64_t size) override { return inner_->allocate(size); }
  Result<void> write_zeros(std::uint64_t offset, std::uint64_t size) override {
    return inner_->write_zeros(offset, size);
  }
  Result<void> punch(std::uint64_t offset, std::uint64_t size) override { return inner_->punch(offset, size); }
  Result<void> sync() override { return {}; }
  Result<std::unique_ptr<io::Mapping>> map(io::Access access, std::uint64_t size) override {
    return inner_->map(access, size);
  }

 private:
  const std::unique_ptr<io::File> inner_;
};

class LyingDirectory final : public io::Directory {
 public:
  explicit LyingDirectory(std::unique_ptr<io::Directory> inner) : inner_(std::move(inner)) {}

  Result<std::unique_ptr<io::File>> open(std::string_view name, OpenMode mode) override {
    return lie(inner_->open(name, mode));
  }
  Result<std::unique_ptr<io::File>> create(std::string_view name) override { return lie(inner_->create(name)); }
  Result<void> rename(std::string_view from, std::string_view to) override { return inner_->rename(from, to); }
  Result<void> remove(std::string_view name) override { return inner_->remove(name); }
  Result<std::vector<std::string>> list() override { return inner_->list(); }
  Result<void> sync() override { return inner_->sync(); }
  Result<void> sync_name() override { return inner_->sync_name(); }
  Result<std::unique_ptr<io::Directory>> subdirectory(std::string_view name, bool create) override {
    auto below = inner_->subdirectory(name, create);
    if (!below) return fail(below.error());
    return make_lying(std::move(*below));
  }
  Result<std::unique_ptr<io::Lock>> lock(std::string_view name) override { return inner_->lock(name); }
  Result<void> check_file_system() override { return inner_->check_file_system(); }

 private:
  static Result<std::unique_ptr<io::File>> lie(Result<std::unique_ptr<io::File>> file) {
    if (!file) return fail(file.error());
    return std::make_unique<LyingFile>(std::move(*file));
  }

  const std::unique_ptr<io::Directory> inner_;
};

}  // namespace

std::unique_ptr<io::Directory> make_lying(std::unique_ptr<io::Directory> inner) {
  return std::make_unique<LyingDirectory>(std::move(inner));
}

}  // namespace daybook::test

// A file of the operating system.
#pragma once

#include "io/directory.h"
#include "io/file_descriptor.h"

namespace daybook::io {

// Thread safety: as File.
class PosixFile final : public File {
 public:
  explicit PosixFile(FileDescriptor fd) noexcept : fd_(std::move(fd)) {}

  Result<std::uint64_t> size() const override;
  Result<std::uint64_t> allocated() const override;
  Result<void> read_at(std::uint64_t offset, std::span<std::byte> bytes) const override;
  Result<void> write_at(std::uint64_t offset, std::span<const std::byte> bytes) override;
  Result<void> allocate(std::uint64_t size) override;
  Result<void> write_zeros(std::uint64_t offset, std::uint64_t size) override;
  Result<void> punch(std::uint64_t offset, std::uint64_t size) override;
  [[nodiscard]] std::uint64_t next_data(std::uint64_t offset) const noexcept override;
  [[nodiscard]] std::uint64_t next_hole(std::uint64_t offset) const noexcept override;
  void read_ahead(bool ahead) noexcept override;
  void drop_cache(std::uint64_t offset) noexcept override;
  Result<void> sync() override;
  Result<std::unique_ptr<Mapping>> map(Access access, std::uint64_t size) override;

 private:
  Result<void> allocate_by_writing(std::uint64_t size);

  FileDescriptor fd_;
};

}  // namespace daybook::io

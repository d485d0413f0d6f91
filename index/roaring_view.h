// A bitmap in the portable Roaring format, read where it lies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "index/container.h"
#include "index/roaring_layout.h"

namespace daybook::index {

// The bytes must outlive the view. Thread safety: const members from any thread.
class RoaringView {
 public:
  RoaringView() noexcept = default;  // empty
  // Bytes that validate_roaring() accepted.
  explicit RoaringView(std::span<const std::byte> valid) noexcept;

  [[nodiscard]] std::uint32_t containers() const noexcept { return containers_; }
  // The slab of container i, and what is in it.
  [[nodiscard]] std::uint32_t slab(std::uint32_t i) const noexcept;
  [[nodiscard]] std::uint32_t count(std::uint32_t i) const noexcept;
  [[nodiscard]] Container container(std::uint32_t i) const noexcept;

 private:
  [[nodiscard]] RoaringHead head() const noexcept { return RoaringHead::of(containers_, has_runs_); }
  template <typename T>
  [[nodiscard]] T load(std::uint64_t at) const noexcept;
  [[nodiscard]] bool is_run(std::uint32_t i) const noexcept;
  [[nodiscard]] std::uint64_t offset(std::uint32_t i) const noexcept;
  [[nodiscard]] std::uint64_t size(std::uint32_t i, std::uint64_t at) const noexcept;

  const std::byte* bytes_ = nullptr;
  std::uint32_t containers_ = 0;
  bool has_runs_ = false;
};

}  // namespace daybook::index

#include "log/live_page.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "io/futex.h"
#include "io/system.h"

namespace daybook::log {
namespace {

// How often a reader that cannot announce that it sleeps looks again.
constexpr std::chrono::milliseconds kBlindSleep{10};

template <typename T>
std::atomic_ref<T> shared(T& field) noexcept {
  return std::atomic_ref<T>(field);
}

}  // namespace

Result<std::unique_ptr<LivePage>> LivePage::open_writer(io::Directory& store) {
  auto file = store.open(format::kLockName, io::Directory::OpenMode::read_write);
  if (!file) return fail(file.error());
  const auto size = (*file)->size();
  if (!size) return fail(size.error());
  if (*size < format::kPage) DAYBOOK_TRY((*file)->allocate(format::kPage));
  auto mapping = (*file)->map(io::Access::read_write, format::kPage);
  if (!mapping) return fail(mapping.error());
  return std::unique_ptr<LivePage>(new LivePage(std::move(*mapping), true));
}

std::unique_ptr<LivePage> LivePage::open_reader(io::Directory& store) {
  for (const bool writable : {true, false}) {
    auto file =
        store.open(format::kLockName, writable ? io::Directory::OpenMode::read_write : io::Directory::OpenMode::read);
    if (!file) continue;
    const auto size = (*file)->size();
    if (!size || *size < format::kPage) continue;
    auto mapping = (*file)->map(writable ? io::Access::read_write : io::Access::read, format::kPage);
    if (!mapping) continue;
    return std::unique_ptr<LivePage>(new LivePage(std::move(*mapping), writable));
  }
  return nullptr;
}

LivePage::LivePage(std::unique_ptr<io::Mapping> mapping, bool writable) noexcept
    : mapping_(std::move(mapping)),
      writable_(writable),
      page_(*reinterpret_cast<format::LivePage*>(mapping_->bytes().data())) {}

std::optional<format::Address> LivePage::durable(const Uuid& log) const noexcept {
  if (page_.magic != format::kLiveMagic || page_.log != log) return std::nullopt;
  // acquire pairs with the raise: who goes on to look for what is durable finds it published. In which order the two are
  // loaded does not matter, because each is a lower bound by itself.
  const auto again = format::open_durable(shared(page_.durable_again).load(std::memory_order_acquire), log);
  const auto durable = format::open_durable(shared(page_.durable).load(std::memory_order_acquire), log);
  if (!again || !durable) return std::nullopt;
  return std::min(*again, *durable);
}

bool LivePage::this_boot() const noexcept {
  return page_.magic == format::kLiveMagic && page_.boot != Uuid{} && page_.boot == io::boot_id();
}

std::uint32_t LivePage::writer() const noexcept { return shared(page_.writer).load(std::memory_order_relaxed); }

void LivePage::describe(const Uuid& log, format::Address durable) noexcept {
  // Not raised: what was there may be another log's, or noise that a power cut left.
  // relaxed: it was durable before this process came, and whoever reads finds it on the disk.
  const std::uint64_t sealed = format::seal_durable(durable, log);
  shared(page_.durable).store(sealed, std::memory_order_relaxed);
  shared(page_.durable_again).store(sealed, std::memory_order_relaxed);
  page_.format_version = format::kFormatVersion;
  page_.log = log;
  page_.boot = io::boot_id();
  page_.since = io::coarse_now();
  page_.magic = format::kLiveMagic;
  shared(page_.writer).store(io::process_id(), std::memory_order_release);
}

void LivePage::raise_durable(format::Address address, const Uuid& log) noexcept {
  const std::uint64_t to = format::seal_durable(address, log);
  // release, for durable(). Each store follows on the one before it in one exchange, and so carries on what that released.
  for (std::uint64_t* const word : {&page_.durable, &page_.durable_again}) {
    std::uint64_t now = shared(*word).load(std::memory_order_relaxed);
    while (format::open_durable(now, log).value_or(format::Address{}) < address &&
           !shared(*word).compare_exchange_weak(now, to, std::memory_order_acq_rel)) {
    }
  }
}

std::uint32_t LivePage::announce() noexcept {
  const std::uint32_t ticket = shared(page_.wake).load(std::memory_order_seq_cst);
  if (writable_) shared(page_.sleepers).store(1, std::memory_order_seq_cst);
  return ticket;
}

void LivePage::sleep(std::uint32_t ticket, std::chrono::nanoseconds timeout) noexcept {
  io::futex_wait(page_.wake, ticket, writable_ ? timeout : std::min<std::chrono::nanoseconds>(timeout, kBlindSleep));
}

void LivePage::wake() noexcept {
  // seq_cst pairs with announce(): either this load sees the sleeper, or the sleeper's look after announcing sees what
  // was published before this call.
  if (shared(page_.sleepers).load(std::memory_order_seq_cst) == 0) return;
  shared(page_.sleepers).store(0, std::memory_order_seq_cst);
  shared(page_.wake).fetch_add(1, std::memory_order_seq_cst);
  io::futex_wake_all(page_.wake);
}

}  // namespace daybook::log

// The page in LOCK that live processes share: who writes, what is durable, and the futex that readers sleep on.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include <daybook/error.h>
#include <daybook/types.h>

#include "format/layout.h"
#include "io/directory.h"

namespace daybook::log {

// Thread safety: all methods, from any thread and process at any time.
class LivePage {
 public:
  // Maps the page for the writer, who holds the lock; makes it when it is missing.
  static Result<std::unique_ptr<LivePage>> open_writer(io::Directory& store);

  // Maps it for a reader, writable if this process may. Null when there is no such page: a store that was copied
  // without it, or never opened; a reader then looks again now and then.
  static std::unique_ptr<LivePage> open_reader(io::Directory& store);

  // What the last writer of `log` knew to be durable; read it before describe().
  [[nodiscard]] std::optional<format::Address> durable(const Uuid& log) const noexcept;
  // True when `durable` was written since this machine was started.
  [[nodiscard]] bool this_boot() const noexcept;
  [[nodiscard]] std::uint32_t writer() const noexcept;

  // The writer, once it has recovered the log and knows what is durable.
  void describe(const Uuid& log, format::Address durable) noexcept;
  void raise_durable(format::Address address, const Uuid& log) noexcept;

  // Readers: announce, look for something new, and only then sleep on what announce() returned: nothing is missed in
  // between, because a writer that publishes after the look sees the announcement.
  [[nodiscard]] std::uint32_t announce() noexcept;
  void sleep(std::uint32_t ticket, std::chrono::nanoseconds timeout) noexcept;
  // The writer, after publishing or making durable: wakes whoever sleeps. One load when nobody does.
  void wake() noexcept;
  // Readers: wakes the sleepers of this process, and those of others, who look and sleep again. Does nothing where they
  // cannot announce themselves: they look again soon.
  void interrupt() noexcept {
    if (writable_) wake();
  }

 private:
  LivePage(std::unique_ptr<io::Mapping> mapping, bool writable) noexcept;

  const std::unique_ptr<io::Mapping> mapping_;
  const bool writable_;
  format::LivePage& page_;
};

}  // namespace daybook::log

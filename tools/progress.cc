#include "progress.h"

#include <algorithm>
#include <ostream>

#include <fmt/format.h>

#include "quantity.h"

namespace daybook::tools {
namespace {

constexpr std::chrono::milliseconds kPrintEvery{200};

std::string bar(double part) {
  constexpr std::size_t kWidth = 20;
  const auto filled = static_cast<std::size_t>(part * kWidth);
  std::string text(filled, '=');
  if (filled < kWidth) text += '>';
  text.resize(kWidth, ' ');
  return text;
}

}  // namespace

Progress::Progress(Io& io, std::string command, std::string unit, std::uint64_t total, bool quiet, std::uint64_t step)
    : io_(io),
      command_(std::move(command)),
      unit_(std::move(unit)),
      total_(total),
      step_(step),
      enabled_(io.err_is_terminal && !quiet) {}

void Progress::look(std::uint64_t done) {
  next_look_ = done + step_;
  const Clock::time_point now = Clock::now();
  if (now < next_print_) return;
  next_print_ = now + kPrintEvery;
  const double rate = per_second(done, now - start_);
  std::string line = fmt::format("\r\x1b[K{}  ", command_);
  if (total_ != 0) {
    const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(total_));
    const auto left =
        rate > 0 ? static_cast<std::uint64_t>(static_cast<double>(total_ - std::min(done, total_)) / rate) : 0;
    line += fmt::format("[{}] {:3.0f} %  {:.0f} {}/s  ETA {:02}:{:02}", bar(part), part * 100, rate, unit_, left / 60,
                        left % 60);
  } else {
    line += fmt::format("{} {}  {:.0f}/s", format_count(done), unit_, rate);
  }
  io_.err << line << std::flush;
  visible_ = true;
}

void Progress::clear() {
  if (visible_) io_.err << "\r\x1b[K" << std::flush;
  visible_ = false;
}

}  // namespace daybook::tools

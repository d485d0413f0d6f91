#include "report.h"

#include <ostream>

namespace daybook::tools {
namespace {

int exit_code(Errc code) {
  switch (code) {
    case Errc::corrupt:
    case Errc::wrong_version:
    case Errc::condition_failed:
    case Errc::duplicate_id: return kNo;
    case Errc::unsupported: return kUnsupported;
    default: return kFailed;
  }
}

}  // namespace

std::string_view advice(Errc code) {
  switch (code) {
    case Errc::corrupt: return "; try: daybook verify STORE";
    case Errc::locked: return "; one process writes at a time, reading works meanwhile";
    case Errc::unsupported: return "; try a newer daybook";
    case Errc::unsupported_fs: return "; --any-file-system takes it anyway";
    default: return "";
  }
}

int report(Io& io, std::string_view command, const Error& error) {
  return report(io, command, error, advice(error.code));
}

int report(Io& io, std::string_view command, const Error& error, std::string_view advice) {
  io.out.flush();
  io.err << "daybook " << command << ": " << describe(error) << advice << '\n';
  return exit_code(error.code);
}

int report_usage(Io& io, std::string_view command, std::string_view message) {
  io.err << "daybook " << command << ": " << message << "\nRun with --help for more information.\n";
  return kUsage;
}

int report_failure(Io& io, std::string_view command, std::string_view message) {
  io.out.flush();
  io.err << "daybook " << command << ": " << message << '\n';
  return kFailed;
}

}  // namespace daybook::tools

// daybook version
#include <ostream>

#include <daybook/version.h>

#include "arguments.h"
#include "commands.h"
#include "json.h"

namespace daybook::tools {
namespace {

struct Version {
  bool json = false;

  void declare(Arguments& arguments) { arguments.flag("--json", json, "as a JSON document"); }

  int run(Io& io) const {
    if (!json) {
      io.out << "daybook " << version() << "\ncompiler " << __VERSION__ << '\n';
      return kOk;
    }
    JsonBuffer buffer;
    JsonWriter writer(buffer);
    writer.StartObject();
    put_text(writer, "schema", "daybook.version/1");
    put_text(writer, "version", version());
    put_text(writer, "compiler", __VERSION__);
    writer.EndObject();
    io.out << view(buffer) << '\n';
    return kOk;
  }
};

}  // namespace

constinit const Command kVersion{"version", "print the version", "", declare_command<Version>};

}  // namespace daybook::tools

// The gateway's decision about a path against readers that were written on their own: whatever nginx, Tomcat,
// Express or Starlette could take for a protected path is never routed by the open rule.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "http/message/normal_path.hpp"
#include "services/gateway/gateway_config.hpp"

// No route below asks for anything but the path; the real ones need the whole of message.cpp.
namespace market::http {
std::string_view Request::header(std::string_view) const {
  return {};
}
Result<std::optional<std::string>> Request::query_parameter(std::string_view) const {
  return std::optional<std::string>();
}
}  // namespace market::http

namespace {
using namespace market;

void require(bool holds) {
  if (!holds) std::abort();
}

const gateway::GatewayConfig& shop() {
  static const gateway::GatewayConfig config = [] {
    gateway::GatewayConfig made;
    const auto add = [&made](const char* path, bool authenticated) {
      gateway::Route route;
      route.paths.emplace_back(path);
      route.authenticated = authenticated;
      made.routes.push_back(std::move(route));
    };
    add("/s/acc/**", true);
    add("/s/me", true);
    add("/s/**", false);
    made.complete();
    return made;
  }();
  return config;
}

// ---- the reference: how servers read a path
// ----------------------------------------------------------------

int hex(char c) {
  const std::string_view digits = "0123456789abcdef";
  const auto at = digits.find(static_cast<char>(c >= 'A' && c <= 'F' ? c + 32 : c));
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

std::string decoded(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape =
        text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0;
    out += escape ? static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2])) : text[i];
    if (escape) i += 2;
  }
  return out;
}

std::vector<std::string> split(const std::string& path) {
  std::vector<std::string> segments(1);
  for (const char c : path)
    if (c == '/')
      segments.emplace_back();
    else
      segments.back() += c;
  return segments;
}

std::string without_parameters(const std::string& path) {
  std::string out;
  for (const auto& segment : split(path)) out += "/" + segment.substr(0, segment.find(';'));
  return out.substr(1);
}

/// Dot segments and empty ones gone, as nginx and Tomcat do it; above the root there is nothing.
std::string resolved(const std::string& path) {
  std::vector<std::string> kept;
  for (const auto& segment : split(path)) {
    if (segment.empty() || segment == ".") continue;
    if (segment != "..")
      kept.push_back(segment);
    else if (!kept.empty())
      kept.pop_back();
  }
  std::string out;
  for (const auto& segment : kept) out += "/" + segment;
  return out.empty() ? "/" : out;
}

std::string folded(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return text;
}

bool is_protected(const std::string& path) {
  return path == "/s/acc" || path.rfind("/s/acc/", 0) == 0 || path == "/s/me" || path == "/s/me/";
}

/// By servers that resolve it: the same of what came and of what leaves.
bool is_protected_once_resolved(const std::string& path) {
  const std::string readings[] = {
      resolved(decoded(path)),                      // nginx
      resolved(decoded(without_parameters(path))),  // Tomcat: parameters first, then escapes
      without_parameters(resolved(decoded(path))),  // and those that do it the other way round
      folded(resolved(decoded(decoded(path)))),     // a proxy in between has decoded it before
  };
  return std::any_of(std::begin(readings), std::end(readings), is_protected);
}

/// By servers that take it as it comes.
bool is_protected_as_it_is(const std::string& path) {
  const std::string readings[] = {
      folded(path),  // Express looks a route up without case
      folded(without_parameters(path)),
      decoded(path),  // Starlette decodes once, and resolves nothing
  };
  return std::any_of(std::begin(readings), std::end(readings), is_protected);
}

/// Bytes become a path of the few words and signs that matter, or of anything that the grammar allows.
std::string path_of(std::string_view input) {
  static const std::string_view words[] = {"/",    "/s",  "/acc",   "/me", "/x",  "..",  ".",   ";",
                                           ";a=b", "%2e", "%2E",    "%61", "%2f", "%3b", "%25", "%5c",
                                           "A",    "C",   "%63",    "//",  "%6d", "M",   "e",   "%3F",
                                           "%23",  "%00", "%c0%ae", "%73", "S",   "2e",  "61",  "s"};
  std::string path = "/";
  for (const char c : input) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < std::size(words))
      path += words[byte];
    else if (byte < 0x7F && std::string_view("\"<>\\^`{|}#? ").find(c) == std::string_view::npos)
      path += c;
  }
  return path;
}

std::optional<std::string> gateways(const std::string& path) {
#ifdef MARKET_FUZZ_CANARY
  // A planted bug that the fuzzer must find: escapes are forgotten. See tests/fuzz/README.md.
  if (path.find("/%61cc") != std::string::npos) return path;
#endif
  return http::normal_path(path);
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 64) return 0;
  const auto path = path_of({reinterpret_cast<const char*>(data), size});
  const auto normal = gateways(path);
  require(http::is_plain_path(path) ? normal == path : true);
  if (!normal) return 0;
  require(normal->front() == '/' && normal->find("//") == std::string::npos);
  require(http::normal_path(*normal) == normal || gateways(*normal) == normal);
  http::Request request;
  request.path = *normal;
  const auto* const route = shop().match(request, "192.0.2.1", Instant(), 0);
  if (!route || route->authenticated) return 0;
  require(!is_protected_once_resolved(path) && !is_protected_once_resolved(*normal));
  require(!is_protected_as_it_is(*normal));
  return 0;
}

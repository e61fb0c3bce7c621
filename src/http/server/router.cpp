#include "http/server/router.hpp"

#include <algorithm>
#include <array>
#include <boost/unordered/unordered_flat_map.hpp>

#include "base/check.hpp"
#include "http/message/ascii.hpp"
#include "http/message/normal_path.hpp"
#include "http/message/target.hpp"

namespace market::http {
namespace {

constexpr std::string_view any_segment = "{}";  // No path can have it.
constexpr std::size_t method_count = method_texts.size();

struct Entry {
  Handler handler;
  RouteOptions options;
  std::size_t index = 0;
};

struct Path {
  /// Behind the group's prefix. `{}`: a parameter; empty: behind a trailing slash.
  std::vector<std::string> segments;
  std::array<std::unique_ptr<Entry>, method_count> methods;
  std::string allow;
  bool wrapped = false;  ///< Some of them are.
};

/// Paths with parameters that are the same up to their first one.
struct Group {
  std::string prefix;  ///< "/api/v1/orders", without the slash before the parameter.
  std::vector<Path*> paths;
};

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    path.remove_prefix(1);
    const auto end = path.find('/');
    segments.push_back(path.substr(0, end));
    path = end == std::string_view::npos ? std::string_view() : path.substr(end);
  }
  return segments;
}

bool is_unreserved(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

/// A decoded parameter that could mislead whoever uses it: part of a path, a control character, nothing.
bool is_sane_parameter(std::string_view text) {
  if (text.empty() || text == "." || text == "..") return false;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F || c == '/' || c == '\\') return false;
  }
  return true;
}

}  // namespace

struct Router::Tables {
  std::vector<std::unique_ptr<Path>> paths;
  boost::unordered_flat_map<std::string, Path*, TextHash, std::equal_to<>> exact;
  std::vector<Group> with_parameters;  ///< The longest prefix first.
  boost::unordered_flat_map<std::string, Path*, TextHash, std::equal_to<>> by_pattern;
  std::vector<std::string> names{"unmatched"};
  std::unique_ptr<Entry> fallback;
  bool any_query = false;
  std::string normal_below;  ///< Empty: nowhere.
  std::function<bool(const Request&)> leads_away;

  Path& path_of(const std::string& pattern) {
    if (const auto found = by_pattern.find(pattern); found != by_pattern.end()) return *found->second;
    auto path = std::make_unique<Path>();
    std::string prefix;
    for (const auto segment : split(pattern)) {
      const bool parameter = segment.starts_with('{') && segment.ends_with('}');
      if (parameter || !path->segments.empty())
        path->segments.emplace_back(parameter ? any_segment : segment);
      else
        prefix.append("/").append(segment);
    }
    Path& added = *path;
    by_pattern.emplace(pattern, &added);
    if (added.segments.empty())
      exact.emplace(pattern, &added);
    else
      group_of(prefix).paths.push_back(&added);
    paths.push_back(std::move(path));
    return added;
  }

  Group& group_of(const std::string& prefix) {
    auto at = std::find_if(with_parameters.begin(), with_parameters.end(),
                           [&prefix](const Group& group) { return group.prefix.size() <= prefix.size(); });
    for (; at != with_parameters.end() && at->prefix.size() == prefix.size(); ++at)
      if (at->prefix == prefix) return *at;
    return *with_parameters.insert(at, Group{prefix, {}});
  }

  /// `rest` is what stands behind the prefix. False: another path. Parameters stay views into the path unless
  /// they were percent-encoded.
  static bool take_parameters(const Path& path, std::string_view rest, Request& request) {
    request.parameters.clear();
    request.decoded.clear();
    for (const auto& expected : path.segments) {
      if (rest.empty()) return false;
      rest.remove_prefix(1);
      const auto end = rest.find('/');
      const auto segment = rest.substr(0, end);
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end);
      if (expected != any_segment) {
        if (segment != expected) return false;
        continue;
      }
      if (segment.find('%') == std::string_view::npos) {
        if (!is_sane_parameter(segment)) return false;
        request.parameters.push_back(segment);
        continue;
      }
      request.decoded.reserve(path.segments.size());  // Moves no text once it holds some: views stay good.
      auto& text = request.decoded.emplace_back();
      if (!percent_decode(segment, false, text) || !is_sane_parameter(text)) return false;
      request.parameters.push_back(text);
    }
    return rest.empty();
  }

  /// Unreserved characters need no escape, so those that have one are the same path. The original stays when
  /// it would get dot segments.
  static void normalize(Request& request) {
    if (request.path.find('%') == std::string_view::npos) return;
    std::vector<char> normal;
    for (std::size_t i = 0; i < request.path.size(); ++i) {
      const char c = request.path[i];
      if (c == '%' && i + 2 < request.path.size()) {
        const auto decoded =
            static_cast<char>(hex_value(request.path[i + 1]) * 16 + hex_value(request.path[i + 2]));
        if (is_unreserved(decoded)) {
          normal.push_back(decoded);
          i += 2;
          continue;
        }
      }
      normal.push_back(c);
    }
    if (normal.size() == request.path.size()) return;
    const std::string_view path(normal.data(), normal.size());
    for (const auto segment : split(path))
      if (segment == "." || segment == "..") return;
    request.path = path;
    request.normal_path = std::move(normal);
  }

  /// Every way to write a path below `normal_below` leads to it, as it does through a gateway.
  const Path* find_normal(Request& request) const {
    if (normal_below.empty() || is_plain_path(request.path)) return nullptr;
    const auto normal = http::normal_path(request.path);
    if (!normal || *normal == request.path || !normal->starts_with(normal_below)) return nullptr;
    request.normal_path.assign(normal->begin(), normal->end());
    request.path = {request.normal_path.data(), request.normal_path.size()};
    return find(request);
  }

  const Path* find(Request& request) const {
    if (const auto found = exact.find(request.path); found != exact.end()) return found->second;
    for (const Group& group : with_parameters) {
      const auto size = group.prefix.size();
      if (request.path.size() <= size || request.path[size] != '/' || !request.path.starts_with(group.prefix))
        continue;
      for (const Path* path : group.paths)
        if (take_parameters(*path, request.path.substr(size), request)) return path;
    }
    return nullptr;
  }
};

Router::Router() : tables_(std::make_unique<Tables>()) {}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;

void Router::match_normal_form_below(std::string prefix) {
  tables_->normal_below = std::move(prefix);
}

void Router::take_any_query(bool yes) {
  tables_->any_query = yes;
}

void Router::add(Method method, std::string pattern, Handler handler, RouteOptions options) {
  check(pattern.starts_with('/'), "a route's pattern starts with a slash");
  Path& path = tables_->path_of(pattern);
  auto& slot = path.methods[static_cast<std::size_t>(method)];
  check(slot == nullptr, "a route is added once");
  options.any_query = options.any_query || tables_->any_query;
  slot = std::make_unique<Entry>(Entry{std::move(handler), options, tables_->names.size()});
  tables_->names.push_back(std::string(method_texts[static_cast<std::size_t>(method)]) + " " + pattern);

  path.allow.clear();
  for (std::size_t i = 0; i < method_count; ++i) {
    const bool head_by_get = i == static_cast<std::size_t>(Method::head) && path.methods[0] != nullptr;
    const bool options_by_server = i == static_cast<std::size_t>(Method::options);
    if (!path.methods[i] && !head_by_get && !options_by_server) continue;
    if (!path.allow.empty()) path.allow += ", ";
    path.allow += method_texts[i];
  }
}

void Router::wrap(std::string_view name, const std::function<Handler(Handler)>& around) {
  const auto named = std::find(tables_->names.begin(), tables_->names.end(), name);
  const auto index = static_cast<std::size_t>(named - tables_->names.begin());
  for (const auto& path : tables_->paths)
    for (const auto& entry : path->methods) {
      if (!entry || entry->index != index) continue;
      entry->handler = around(std::move(entry->handler));
      path->wrapped = true;
      return;
    }
  check(false, "something is put around a route that is there");
}

void Router::set_leads_away(std::function<bool(const Request&)> leads_away) {
  tables_->leads_away = std::move(leads_away);
}

void Router::set_fallback(Handler handler, RouteOptions options) {
  check(tables_->fallback == nullptr, "a fallback is set once");
  tables_->fallback =
      std::make_unique<Entry>(Entry{std::move(handler), std::move(options), tables_->names.size()});
  tables_->names.emplace_back("forwarded");
}

Router::Match Router::match(Request& request) const {
  Match match;
  request.parameters.clear();
  request.route_index = 0;
  const std::string_view sent = request.path;
  Tables::normalize(request);
  const Path* path = tables_->find(request);
  if (!path) path = tables_->find_normal(request);
  if (path && path->wrapped && tables_->leads_away && tables_->leads_away(request)) path = nullptr;
  if (!path) {
    request.path = sent;  // Whoever it is passed on to normalizes by rules of its own.
    request.parameters.clear();
    if (const Entry* const fallback = tables_->fallback.get(); fallback && request.path != "*") {
      match.handler = &fallback->handler;
      match.options = &fallback->options;
      match.status = Status::ok;
      match.route_index = request.route_index = fallback->index;
    }
    return match;
  }
  const Entry* entry = path->methods[static_cast<std::size_t>(request.method)].get();
  if (!entry && request.method == Method::head) entry = path->methods[0].get();
  match.allow = path->allow;
  if (!entry) {
    match.status = Status::method_not_allowed;
    return match;
  }
  match.handler = &entry->handler;
  match.options = &entry->options;
  match.status = Status::ok;
  match.route_index = request.route_index = entry->index;
  return match;
}

const std::vector<std::string>& Router::route_names() const {
  return tables_->names;
}

}  // namespace market::http

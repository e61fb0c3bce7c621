#include "services/gateway/readings.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "http/message/ascii.hpp"
#include "http/message/host_address.hpp"
#include "http/message/proxy_addresses.hpp"
#include "http/message/target.hpp"
#include "wire/json/unicode.hpp"

namespace market::gateway {
namespace {

constexpr std::string_view white_space = " \t\r\n\v\f";

/// What one field, parameter or cookie was found to say.
class Found {
 public:
  /// `exact`: by that very name, as everybody reads it.
  void add(std::string value, bool exact) {
    ++count_;
    exact_ = exact_ || exact;
    only_exact_ = only_exact_ && exact;
    joined_ += joined_.empty() ? value : "," + value;
    say(std::move(value));
  }
  /// Another way to read what was added last.
  void say(std::string value) {
    if (std::find(readings_.begin(), readings_.end(), value) == readings_.end())
      readings_.push_back(std::move(value));
  }
  /// Some read it so; whoever reads it otherwise is not doubted.
  void suspect(std::string value) { suspected_.push_back(std::move(value)); }
  /// It is no text: nobody knows what it is read as.
  void add_unreadable() {
    ++count_;
    only_exact_ = false;
    unreadable_ = true;
  }

  Holds judge(const FieldPredicate& wanted) {
    if (count_ == 0) return Holds::in_none;
    if (!wanted.value) return exact_ ? Holds::in_all : Holds::in_some;
    if (count_ > 1) say(joined_);
    const auto sure = [&wanted](const std::string& text) { return wanted.value->matches_all(text); };
    if (only_exact_ && std::all_of(readings_.begin(), readings_.end(), sure)) return Holds::in_all;
    const auto may = [&wanted](const std::string& text) {
      const std::string bare(trimmed(text, white_space));
      std::string upper = bare;
      for (char& c : upper)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
      return wanted.value->matches_all(text) || wanted.value->matches_all(bare) ||
             wanted.value->matches_all(http::lower_text(bare)) || wanted.value->matches_all(upper);
    };
    const bool some = unreadable_ || std::any_of(readings_.begin(), readings_.end(), may) ||
                      std::any_of(suspected_.begin(), suspected_.end(), may);
    return some ? Holds::in_some : Holds::in_none;
  }

 private:
  int count_ = 0;
  bool exact_ = false, only_exact_ = true, unreadable_ = false;
  std::string joined_;
  std::vector<std::string> readings_, suspected_;
};

/// Escapes that are none stay as they are.
std::string decoded_leniently(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && http::hex_value(text[i + 1]) >= 0 &&
                        http::hex_value(text[i + 2]) >= 0;
    if (escape) {
      out += static_cast<char>(http::hex_value(text[i + 1]) * 16 + http::hex_value(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

/// A name as the most generous server compares it: decoded twice, without what stands around it, cut where C
/// or an array ends it, without case, and with PHP's underscores.
std::string generous_name(std::string_view text) {
  std::string name = decoded_leniently(decoded_leniently(text));
  if (!wire::is_utf8(name)) std::erase_if(name, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
  std::erase_if(name, [](char c) { return c == '"' || c == '\''; });
  const auto blank = [](char c) { return static_cast<unsigned char>(c) <= 0x20 && c != '\0'; };
  name.erase(name.begin(), std::find_if_not(name.begin(), name.end(), blank));
  name.resize(std::min(name.find('\0'), name.size()));
  name.resize(std::min(name.find('[', 1), name.size()));
  while (!name.empty() && blank(name.back())) name.pop_back();
  for (char& c : name) c = c == ' ' || c == '.' ? '_' : http::lower(c);
  return name;
}

/// Each part of a list; empty ones too.
template <class Take>
void for_each_part(std::string_view list, std::string_view separators, Take take) {
  for (;;) {
    const auto end = list.find_first_of(separators);
    take(list.substr(0, end));
    if (end == std::string_view::npos) return;
    list.remove_prefix(end + 1);
  }
}

/// `"a\"b\061"`: as cookies' values are quoted (RFC 2109, Python's http.cookies). Empty: it is not quoted.
std::string unquoted(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return {};
  std::string out;
  const auto inner = text.substr(1, text.size() - 2);
  const auto octal = [&inner](std::size_t i) {
    return i < inner.size() && inner[i] >= '0' && inner[i] <= '7';
  };
  for (std::size_t i = 0; i < inner.size(); ++i) {
    if (inner[i] != '\\' || i + 1 == inner.size()) {
      out += inner[i];
    } else if (octal(i + 1) && octal(i + 2) && octal(i + 3)) {
      out += static_cast<char>((inner[i + 1] - '0') * 64 + (inner[i + 2] - '0') * 8 + (inner[i + 3] - '0'));
      i += 3;
    } else {
      out += inner[++i];
    }
  }
  return out;
}

void add_parameter(Found& found, std::string_view pair, std::string_view wanted, bool certain) {
  const auto equals = pair.find('=');
  const auto name = pair.substr(0, equals);
  if (generous_name(name) != generous_name(wanted)) return;
  std::string key, value;
  const bool exact = certain && http::percent_decode(name, true, key) && key == wanted;
  const auto raw = equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
  if (!http::percent_decode(raw, true, value) || !wire::is_utf8(value) ||
      value.find('\0') != std::string::npos)
    return found.add_unreadable();
  found.add(value, exact);
  if (value.find('%') != std::string::npos) found.suspect(decoded_leniently(value));
  if (raw.find('+') != std::string_view::npos) found.suspect(decoded_leniently(raw));
  for_each_part(value, ",;", [&found](std::string_view part) { found.suspect(std::string(part)); });
}

void add_cookie(Found& found, std::string_view pair, std::string_view wanted, bool certain) {
  pair = trimmed(pair);
  const auto equals = pair.find('=');
  const auto name = pair.substr(0, equals);
  if (generous_name(name) != generous_name(wanted)) return;
  const auto value = equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
  found.add(std::string(value), certain && name == wanted && equals != std::string_view::npos);
  const auto bare = trimmed(value);
  if (bare != value) found.say(std::string(bare));
  if (auto plain = unquoted(bare); !plain.empty()) found.say(std::move(plain));
  if (bare.find_first_of("%+") != std::string_view::npos) found.suspect(decoded_leniently(bare));
}

std::string_view without_port(std::string_view host) {
  if (const auto colon = host.rfind(':'); colon != std::string_view::npos && host.back() != ']')
    host = host.substr(0, colon);
  return host;
}

bool method_fits(const Route& route, http::Method method) {
  return route.methods == 0 || (route.methods & (1u << static_cast<unsigned>(method))) != 0;
}

}  // namespace

Holds header_holds(const http::Request& request, const FieldPredicate& wanted) {
  Found found;
  for (const auto& field : request.headers) {
    if (!http::same_letters(field.name, wanted.name)) continue;
    found.add(std::string(field.value), true);
    if (auto plain = unquoted(field.value); !plain.empty()) found.suspect(std::move(plain));
    for_each_part(field.value, ",;", [&found](std::string_view part) { found.suspect(std::string(part)); });
  }
  return found.judge(wanted);
}

Holds query_holds(const http::Request& request, const FieldPredicate& wanted) {
  Found found;
  for_each_part(request.query, "&", [&](std::string_view pair) {
    add_parameter(found, pair, wanted.name, true);
    // Some take a semicolon for an ampersand.
    if (const auto first = pair.find(';'); first != std::string_view::npos) {
      add_parameter(found, pair.substr(0, first), wanted.name, false);
      for_each_part(pair.substr(first + 1), ";",
                    [&](std::string_view part) { add_parameter(found, part, wanted.name, false); });
    }
  });
  return found.judge(wanted);
}

Holds cookie_holds(const http::Request& request, const FieldPredicate& wanted) {
  Found found;
  for (const auto& field : request.headers) {
    if (!http::same_letters(field.name, "cookie")) continue;
    for_each_part(field.value, ";", [&](std::string_view pair) {
      add_cookie(found, pair, wanted.name, true);
      // Some end a cookie at a comma (RFC 2109).
      if (pair.find(',') != std::string_view::npos)
        for_each_part(pair, ",", [&](std::string_view part) { add_cookie(found, part, wanted.name, false); });
    });
  }
  return found.judge(wanted);
}

bool host_fits(std::string_view asked, const std::vector<std::string>& hosts) {
  asked = without_port(asked);
  if (asked.ends_with('.')) asked.remove_suffix(1);  // The same name, written to its root.
  return std::any_of(hosts.begin(), hosts.end(), [asked](std::string_view host) {
    if (!host.starts_with("*.")) return http::same_letters(host, asked);
    const auto suffix = host.substr(1);
    return asked.size() > suffix.size() &&
           http::same_letters(asked.substr(asked.size() - suffix.size()), suffix);
  });
}

Holds host_holds(const http::Request& request, const std::vector<std::string>& hosts) {
  auto asked = request.header("host");
  if (host_fits(asked, hosts)) return Holds::in_all;
  asked = without_port(asked);
  while (asked.ends_with('.')) asked.remove_suffix(1);
  const std::string bare(asked);
  const bool may =
      host_fits(asked, hosts) || std::any_of(hosts.begin(), hosts.end(), [&bare](const std::string& host) {
        return http::is_same_address(bare, host);
      });
  return may ? Holds::in_some : Holds::in_none;
}

Holds predicates_hold(const Route& route, const http::Request& request, std::string_view client,
                      Instant now) {
  const bool in_time = (!route.after || now >= *route.after) && (!route.before || now < *route.before);
  if (!in_time || (!route.addresses.empty() && !http::is_in(client, route.addresses))) return Holds::in_none;
  Holds all = Holds::in_all;
  // HEAD is GET to most servers.
  if (!method_fits(route, request.method)) {
    if (request.method != http::Method::head || !method_fits(route, http::Method::get)) return Holds::in_none;
    all = Holds::in_some;
  }
  if (!route.hosts.empty()) all = std::min(all, host_holds(request, route.hosts));
  for (const auto& wanted : route.headers) all = std::min(all, header_holds(request, wanted));
  for (const auto& wanted : route.query) all = std::min(all, query_holds(request, wanted));
  for (const auto& wanted : route.cookies) all = std::min(all, cookie_holds(request, wanted));
  return all;
}

}  // namespace market::gateway

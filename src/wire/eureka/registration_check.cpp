#include "wire/eureka/registration_check.hpp"

#include <algorithm>

#include "wire/eureka/xml_writer.hpp"
#include "wire/json/unicode.hpp"

namespace market::wire::eureka {
namespace {

using registry::DataCenter;

tl::unexpected<Error> refuse(std::string_view member, std::string_view why) {
  return fail(Code::validation, std::string(member).append(" ").append(why));
}

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// What would end a log line, or show it in another order than it was written.
bool breaks_a_line(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x2028 || c == 0x2029 || c == 0x061C || c == 0x200E ||
         c == 0x200F || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

bool is_line(std::string_view text) {
  while (!text.empty()) {
    const auto character = take_character(text);
    if (!character || breaks_a_line(*character)) return false;
  }
  return true;
}

Result<> check_size(std::string_view member, std::string_view text, std::size_t max) {
  if (text.size() <= max) return {};
  return refuse(member, "has more than " + std::to_string(max) + " bytes");
}

Result<> check_characters(std::string_view member, std::string_view text) {
  if (is_xml_text(text)) return {};
  return refuse(member, "has a character that XML cannot carry (a control character, U+FFFE or U+FFFF)");
}

Result<> check_line(std::string_view member, std::string_view text) {
  if (const auto ok = check_size(member, text, name_bytes_max); !ok) return ok;
  if (const auto ok = check_characters(member, text); !ok) return ok;
  if (!is_line(text)) return refuse(member, "has a control character or a line break");
  return {};
}

Result<> check_host(std::string_view member, std::string_view text) {
  if (text.empty()) return refuse(member, "is missing");
  if (const auto ok = check_size(member, text, host_bytes_max); !ok) return ok;
  const auto fits = [](char c) {
    return is_letter_or_digit(c) || std::string_view("._~-:[]").find(c) != std::string_view::npos;
  };
  if (!std::all_of(text.begin(), text.end(), fits)) return refuse(member, "is no host name and no address");
  return {};
}

/// `host`, `host:8080`, before any slash: some clients leave the scheme out.
bool is_authority(std::string_view text) {
  const auto colon = text.rfind(':');
  const auto port = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  if (colon == 0 || colon + 1 == text.size() ||
      port.find_first_not_of("0123456789") != std::string_view::npos)
    return false;
  return std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(std::min(colon, text.size())),
                     [](char c) { return is_letter_or_digit(c) || c == '.' || c == '-' || c == '_'; });
}

bool is_visible(char c) {
  return c > 0x20 && c < 0x7F;
}

/// Consoles make links of them: `javascript:` is none.
Result<> check_url(std::string_view member, const std::optional<std::string>& url) {
  if (!url || url->empty()) return {};
  if (const auto ok = check_size(member, *url, url_bytes_max); !ok) return ok;
  const auto fits = [](char c) {
    return static_cast<unsigned char>(c) >= 0x80 || (is_visible(c) && c != '"' && c != '<' && c != '>');
  };
  const std::string start = registry::upper(url->substr(0, 8));
  const bool is_web = start.starts_with("HTTP://") || start.starts_with("HTTPS://");
  const auto host = is_web ? url->substr(url->find("://") + 3) : std::string();
  const auto closing = host.find(']');
  if (is_web && (host.empty() || host.front() == '/' || host.front() == '?' || host.front() == '#' ||
                 host.front() == ':' || (host.front() == '[' && closing == std::string::npos)))
    return refuse(member, "has no host");
  const bool is_place = is_web || url->starts_with('/') || is_authority(url->substr(0, url->find('/')));
  if (!std::all_of(url->begin(), url->end(), fits) || !is_line(*url) || !is_xml_text(*url) || !is_place)
    return refuse(member, "is no http or https URL and no path");
  return {};
}

Result<> check_entries(std::string_view member, const registry::Metadata& entries) {
  for (const auto& [key, value] : entries) {
    if (const auto ok = check_characters(member, key); !ok)
      return refuse(member,
                    "has a key with a character "
                    "that XML cannot carry");
    if (const auto ok = check_characters(member, value); !ok) return ok;
  }
  return {};
}

Result<> check_data_center(const DataCenter& center) {
  if (center.name.empty()) return refuse("dataCenterInfo", "with its name is missing");
  const bool is_amazon = center.java_class == DataCenter::amazon_class;
  if (!is_amazon && center.java_class != DataCenter::default_class)
    return refuse("dataCenterInfo.@class", "is none that Java clients know");
  if (center.name != "Netflix" && center.name != "Amazon" && center.name != "MyOwn")
    return refuse("dataCenterInfo.name", "is none of Netflix, Amazon, MyOwn");
  if (is_amazon && center.name == "MyOwn")
    return refuse("dataCenterInfo.name", "cannot be MyOwn with Amazon's class");
  if (is_amazon && !center.metadata)
    return refuse("dataCenterInfo.metadata", "is missing: Amazon's class needs it");
  if (!is_amazon && center.metadata)
    return refuse("dataCenterInfo.metadata", "belongs to Amazon's class alone");
  if (!center.metadata) return {};
  if (const auto ok = registry::check_metadata(*center.metadata); !ok) return ok;
  return check_entries("dataCenterInfo.metadata", *center.metadata);
}

Result<> check_names(const RegisteredInstance& instance) {
  if (instance.app.empty()) return refuse("app", "is missing");
  if (!is_path_name(instance.app)) return refuse("app", "is too long, or has a character that no name has");
  if (!is_path_name(instance.key()))
    return refuse("instanceId", "is too long, or has a character that no id has");
  using Named = std::pair<std::string_view, const std::optional<std::string>*>;
  for (const auto& [member, text] :
       {Named("instanceId", &instance.id), Named("sid", &instance.sid),
        Named("appGroupName", &instance.app_group), Named("asgName", &instance.asg),
        Named("vipAddress", &instance.vip), Named("secureVipAddress", &instance.secure_vip)}) {
    if (!*text) continue;
    if (const auto ok = check_line(member, **text); !ok) return ok;
  }
  return {};
}

}  // namespace

bool is_path_name(std::string_view name) {
  return !name.empty() && name.size() <= name_bytes_max && name != "." && name != ".." &&
         name.find_first_of("/\\") == std::string_view::npos && is_line(name) && is_xml_text(name);
}

Result<> check_metadata_texts(const registry::Metadata& metadata) {
  const auto health = metadata.find("health");
  if (health != metadata.end()) {
    // The gateway asks for this path: it becomes part of a request line.
    const std::string& path = health->second;
    const bool is_path = path.starts_with('/');
    const auto fits = [&](char c) { return is_visible(c) && c != '#'; };
    if (path.find_first_of("\r\n") != std::string::npos ||
        (is_path && (path.size() > url_bytes_max || !std::all_of(path.begin(), path.end(), fits))))
      return refuse("metadata.health", "is no path that can be asked for");
  }
  return check_entries("metadata", metadata);
}

Result<> check_names_and_hosts(const RegisteredInstance& instance) {
  if (const auto ok = check_host("hostName", instance.host); !ok) return ok;
  if (const auto ok = check_host("ipAddr", instance.ip); !ok) return ok;
  return check_names(instance);
}

Result<> check_registration(const RegisteredInstance& instance) {
  if (const auto ok = check_names_and_hosts(instance); !ok) return ok;
  if (const auto ok = check_data_center(instance.data_center); !ok) return ok;
  if (const auto ok = check_url("homePageUrl", instance.home_page_url); !ok) return ok;
  if (const auto ok = check_url("statusPageUrl", instance.status_page_url); !ok) return ok;
  if (const auto ok = check_url("healthCheckUrl", instance.health_check_url); !ok) return ok;
  if (const auto ok = check_url("secureHealthCheckUrl", instance.secure_health_check_url); !ok) return ok;
  for (const auto& [member, port] :
       {std::pair("port", instance.port.number), std::pair("securePort", instance.secure_port.number)})
    if (port < 0 || port > 65'535) return refuse(member, "is no number from 0 to 65535");
  if (const auto ok = registry::check_metadata(instance.metadata); !ok) return ok;
  return check_metadata_texts(instance.metadata);
}

}  // namespace market::wire::eureka

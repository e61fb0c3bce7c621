# Documents of api/ as JSON, made at build time.
# Debian's own Python first: it is the one for which python3-yaml is installed.
find_program(MARKET_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH)
find_program(MARKET_PYTHON python3 REQUIRED)

# market_convert(DOCUMENT TOOL JSON): what tools/TOOL makes of api/DOCUMENT.
function(market_convert document tool json)
  set(from ${CMAKE_SOURCE_DIR}/api/${document})
  set(how ${CMAKE_SOURCE_DIR}/tools/${tool})
  get_filename_component(name ${json} NAME)
  add_custom_command(
    OUTPUT ${json}
    COMMAND ${MARKET_PYTHON} ${how} ${from} ${json}
    DEPENDS ${from} ${how}
    COMMENT "api/${document} -> ${name}" VERBATIM)
endfunction()

#!/bin/sh
# Asks OpenAI one prompt with curl: curl.sh CURL text|stream|tool PROMPT
curl=$1 kind=$2 prompt=$3 stream=false tools=
[ "$kind" = stream ] && stream=true
[ "$kind" = tool ] && tools=',"tools":[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object"}}}]'
exec "$curl" -sS --fail-with-body "${OPENAI_BASE_URL:-https://api.openai.com/v1}/chat/completions" \
  -H "Authorization: Bearer $OPENAI_API_KEY" -H "Content-Type: application/json" \
  -d "{\"model\":\"gpt-5-mini\",\"stream\":$stream,\"messages\":[{\"role\":\"user\",\"content\":\"$prompt\"}]$tools}"

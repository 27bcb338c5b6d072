// Asks OpenAI one prompt with Go's own client: ask text|stream|tool PROMPT
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

func main() {
	base := os.Getenv("OPENAI_BASE_URL")
	if base == "" {
		base = "https://api.openai.com/v1"
	}
	tools := ""
	if os.Args[1] == "tool" {
		tools = `,"tools":[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object"}}}]`
	}
	body := fmt.Sprintf(`{"model":"gpt-5-mini","stream":%t,"messages":[{"role":"user","content":%q}]%s}`, os.Args[1] == "stream", os.Args[2], tools)
	request, err := http.NewRequest("POST", base+"/chat/completions", strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("OPENAI_API_KEY"))
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(err)
	}
	if _, err := io.Copy(os.Stdout, answer.Body); err != nil {
		panic(err)
	}
	if answer.StatusCode != 200 {
		os.Exit(1)
	}
}

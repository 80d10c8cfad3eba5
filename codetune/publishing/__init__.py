"""Hand over the exported model: a folder for ollama, a Hugging Face Space, a repository of the model hub."""

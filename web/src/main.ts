import '@fontsource-variable/inter/wght.css';
import '@fontsource-variable/jetbrains-mono/wght.css';
import './styles/tokens.css';
import './styles/base.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { language } from './i18n';
import { startTheme } from './theme';

startTheme();
document.documentElement.lang = language();
const target = document.getElementById('app');
if (target !== null) mount(App, { target });
